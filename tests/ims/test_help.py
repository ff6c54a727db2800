"""The help: the FAQ’s headings, pages that open for anybody, the search, the pictures, the answer to a screen."""

import re
import unicodedata
from html import unescape
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import bank
from accounts.models import Institution
from accounts.roles import Role
from billing.models import PayPolicy
from ims.help import search
from ims.help.pages import PAGES, SECTIONS, TRAINING, answer_to, written_here
from requests_app.workflow import STATUS_HELP, Status
from tests import make
from tests.pages import nobody, said, signed_in
from tests.test_doors import DOORS, addresses

pytestmark = pytest.mark.django_db
TEMPLATES, SHOTS = settings.BASE_DIR / "templates" / "help", settings.BASE_DIR / "static" / "help"
WRITTEN = [page.slug for page in written_here()]

# The customer's FAQ, its headings as they are written there.
HEADINGS = """Comment puis-je me connecter pour la première fois à la nouvelle plateforme ?
Quelles sont les informations disponibles pour comprendre le fonctionnement de la plateforme IMS?
Comment puis-je me connecter à l'application mobile IMS?
Qu'est-ce que l'authentification multifacteur (MFA) et pourquoi dois-je fournir un numéro de cellulaire pour l'activer ?
J'ai des problèmes de connexion à la plateforme web. Qu'est-ce que je peux faire pour les régler ?
J'ai des problèmes de connexion à l'application mobile IMS. Qu'est-ce que je peux faire pour les régler ?
Comment puis-je activer et désactiver les notifications d'IMS que je reçois par courriel ou par texto ?
Que signifient les différents statuts d'une demande ?
Comment puis-je voir mes demandes selon leur statut?
Comment puis-je clore (réaliser) une demande ?
Dois-je faire signer ma réalisation par le(la) professionnel(le) à la fin du service ?
Comment dois-je rentrer les communications effectuées en dehors de la période d'interprétation ?
Comment puis-je ajouter ma facture de stationnement lors de la réalisation du service sur IMS ?
Est-ce que je peux corriger moi-même une erreur que j'ai faite lors de la réalisation du service sur IMS?
Comment puis-je annuler une demande que j'ai déjà acceptée ?
Le demandeur a annulé la demande, est-ce que je serais rémunéré?
Est-ce que le temps de déplacement est rémunéré ?
Comment dois-je calculer le kilométrage avec la nouvelle politique?
Est-ce que je peux encore utiliser des fiches papiers pour la réalisation de la demande ?""".splitlines()


def plain(text: str) -> str:
    """Word for word, whatever the apostrophe and the space before a question mark."""
    return text.replace("’", "'").replace("\u00a0", " ").replace(" ?", "?")


def of(slug: str) -> str:
    return reverse("help:page", args=[slug])


# The FAQ


def test_every_question_of_the_faq_is_a_heading_word_for_word():
    assert {plain(page.title) for page in PAGES.values() if page.is_faq} == {plain(line) for line in HEADINGS}


@pytest.mark.parametrize("heading", HEADINGS)
def test_the_index_leads_to_the_answer_of_each_question(heading):
    page = next(page for page in PAGES.values() if plain(page.title) == plain(heading))
    index = nobody().get("/aide/").content.decode()
    assert f'<a href="{page.url}">{page.title}</a>' in index
    assert plain(heading) in plain(said(nobody().get(page.url)))


def test_the_training_tools_have_the_name_and_the_five_parts_of_the_faq():
    training = next(section for section in SECTIONS if section.title == TRAINING)
    assert [plain(page.title)[:9] for page in training.pages[1:]] == [f"Partie {number} " for number in range(1, 6)]
    assert "clore une demande" in training.pages[4].title and "clore une demande" in training.pages[5].title


def test_the_statuses_are_explained_in_the_words_of_the_application():
    shown = said(nobody().get(of("statuts")))
    assert [status for status in Status if STATUS_HELP[status] not in shown] == []


def bold() -> list[tuple[str, str]]:
    """(page, words) of all that is in bold: what a person looks for on the screen; what is stressed is `<strong>`."""
    texts = {path.stem: unescape(path.read_text()) for path in TEMPLATES.glob("*.html")}
    words = [(name, found) for name, text in texts.items() for found in re.findall(r"<b>(.*?)</b>", text)]
    return [(name, piece.strip()) for name, found in words if "{{" not in found for piece in found.split("…")]


def test_the_words_in_bold_are_those_of_the_screens():
    rooms = ["accounts", "requests_app", "billing", "completion", "ims"]
    pages = [path for path in TEMPLATES.parent.rglob("*.html") if path.parent != TEMPLATES]
    code = [path for room in rooms for path in (settings.BASE_DIR / room).rglob("*.py") if "help" not in path.parts]
    screens = unescape("".join(path.read_text() for path in [*pages, *code])).replace("\\u00a0", "\u00a0")
    assert [(page, words) for page, words in bold() if words not in screens] == []


# Rules come from where they are kept


@pytest.mark.parametrize(
    ("slug", "value"),
    [
        ("kilometrage", "16\u00a0km"),
        ("communications", "10,25\u00a0$"),
        ("demande-annulee", "48\u00a0h"),
        ("se-desister", "48\u00a0h"),
        ("facture-de-stationnement", "10\u00a0Mo"),
        ("premiere-connexion", "72\u00a0h"),
        ("application-mobile", "CIUSSS"),
    ],
)
def test_an_answer_says_the_rule_in_force(slug, value):
    assert value in nobody().get(of(slug)).content.decode()


def test_a_new_tariff_is_what_the_help_says():
    make.policy("2025-06-01", mileage_threshold_km="21", communication_fee="11.75")
    assert "21 km" in said(nobody().get(of("kilometrage")))
    assert "11,75 $" in said(nobody().get(of("communications")))


def test_amounts_that_nobody_confirmed_are_said_to_be_provisional():
    assert "à confirmer par la BI" in said(nobody().get(of("communications")))
    PayPolicy.objects.update(rates_confirmed=True)
    assert "à confirmer par la BI" not in said(nobody().get(of("communications")))


def test_no_tariff_at_all_is_no_error():
    PayPolicy.objects.all().delete()
    assert nobody().get(of("kilometrage")).status_code == 200


def test_the_head_offices_are_listed_by_region():
    shown = said(nobody().get(of("sieges-sociaux")))
    offices = Institution.objects.values_list("name", "head_office_address")
    assert [name for name, address in offices if f"{name} {address}" not in shown] == []
    assert shown.index("03 Capitale-Nationale") < shown.index("06 Montréal") < shown.index("16 Montérégie")


# Anybody


@pytest.mark.parametrize("slug", WRITTEN)
def test_a_page_opens_for_nobody_without_a_cookie_or_a_question_to_the_database(slug):
    client = nobody()
    with CaptureQueriesContext(connection) as asked:
        page = client.get(of(slug))
    assert (page.status_code, dict(client.cookies)) == (200, {})
    assert len(asked) <= (slug in {"sieges-sociaux", "kilometrage", "communications"})


@pytest.mark.parametrize("who", [make.alice, make.requester, make.coordinator, make.validator, make.administrator])
def test_the_help_opens_for_each_role(who):
    client = signed_in(who())
    for address in ("/aide/", of("statuts"), of("partie-4"), "/aide/?q=statut"):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("slug", ["inconnue", "installer", "problemes-de-connexion", "_shot", "index", "page"])
def test_a_page_that_is_not_is_a_404(slug):
    assert nobody().get(f"/aide/{slug}/").status_code == (200 if slug == "installer" else 404)


class Links(HTMLParser):
    """The addresses a page leads to, inside the house."""

    def __init__(self, page):
        super().__init__()
        self.found = set()
        self.feed(page.content.decode())

    def handle_starttag(self, tag, attrs):
        if tag == "a" and (address := dict(attrs)["href"]).startswith("/"):
            self.found.add(address.partition("#")[0])


def test_every_link_of_the_help_leads_somewhere():
    client = nobody()
    leads_to = {address for slug in WRITTEN for address in Links(client.get(of(slug))).found} | {"/aide/"}
    codes = {address: client.get(address).status_code for address in leads_to - {"/"}}
    assert {address: code for address, code in codes.items() if code != 200} == {}


def test_every_page_of_the_folder_is_in_the_list():
    written = {path.stem for path in TEMPLATES.glob("*.html") if not path.stem.startswith("_")}
    assert written == {*WRITTEN, "index", "page"}


def test_no_page_of_the_help_is_heavy():
    pages = {slug: nobody().get(of(slug)) for slug in WRITTEN}
    assert [slug for slug, page in pages.items() if len(page.content) > 24 * 1024] == []


# Pictures


def pictured() -> list[tuple[str, str]]:
    """(name, what it shows) of each picture of the help; those of the README have no words to check."""
    texts = "".join(path.read_text() for path in TEMPLATES.glob("*.html"))
    return re.findall(r'{% shot "([^"]+)" "([^"]+)" %}', texts)


def test_every_picture_named_is_there_and_every_one_there_is_used():
    readme = re.findall(r"\(static/help/([\w-]+)\.webp\)", (settings.BASE_DIR / "README.md").read_text())
    assert {path.stem for path in SHOTS.iterdir()} == {name for name, _ in pictured()} | set(readme)


def test_every_picture_says_what_is_to_be_seen():
    assert [name for name, alt in pictured() if not 40 <= len(alt) <= 200] == []


def test_pictures_are_light():
    weights = {path.stem: path.stat().st_size for path in SHOTS.iterdir()}
    assert {name: weight for name, weight in weights.items() if weight > 40 * 1024} == {}


def test_a_picture_keeps_its_place_before_it_comes():
    shown = nobody().get(of("partie-4")).content.decode()
    images = re.findall(r"<img[^>]*>", shown)
    assert images and all(re.search(r'width="\d+" height="\d+" loading="lazy"', image) for image in images)


# Search


def found(query: str) -> list[str]:
    return [one.page.slug for one in search.find(query)]


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("kilométrage", "kilometrage"),
        ("KILOMETRAGE", "kilometrage"),
        ("siege social", "sieges-sociaux"),
        ("desister 48", "se-desister"),
        ("cookies", "problemes-de-connexion"),
        ("stationnement", "facture-de-stationnement"),
        ("iphone", "installer"),
        ("je ne suis pas disponible", "disponibilites"),
    ],
)
def test_a_search_finds_the_page_among_the_first(query, slug):
    assert slug in found(query)[:2]


def test_all_the_words_must_be_there():
    assert set(found("stationnement")) > set(found("stationnement photo")) > set(found("stationnement photo zèbre"))


def test_what_is_found_is_counted_marked_and_cut():
    page = nobody().get("/aide/", {"q": "Stationnement"})
    text = page.content.decode()
    assert 'role="status">' in text and f"{len(found('stationnement'))} pages répondent à « Stationnement »." in said(
        page
    )
    assert "<mark>stationnement</mark>" in text
    assert max(len(one.snippet) for one in search.find("stationnement")) < 800


def test_nothing_found_gives_the_telephone_the_mail_and_the_questions():
    page = nobody().get("/aide/", {"q": "ornithorynque"})
    for expected in ("Aucune page ne contient « ornithorynque ».", bank.PHONE, bank.EMAIL, PAGES["statuts"].title):
        assert expected in said(page)


@pytest.mark.parametrize(
    "query",
    ["\0", "a\0b", "x" * 10_000, "mot " * 3000, "(", "[a-z]*+?{9}\\", "%", "'", "é" * 500, "\u202e\ud7ff", "   ", "’"],
)
def test_any_query_gets_a_page(query):
    assert nobody().get("/aide/", {"q": query}).status_code == 200


def test_what_is_typed_is_never_markup():
    page = nobody().get("/aide/", {"q": "<script>alert(1)</script> statut"}).content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_folding_forgets_accents_capitals_and_ligatures():
    assert search.fold("Élève ŒUVRE Çà") == "eleve oeuvre ca"
    assert not unicodedata.combining(search.fold("é"))


def test_a_search_asks_the_database_nothing(django_assert_num_queries):
    search.index.cache_clear()
    with django_assert_num_queries(0):
        nobody().get("/aide/?q=communications")


# Each screen leads to its answer

# Files, and pages that are themselves help, or hold what a person must read before anything else.
NO_ANSWER = {
    "accounts:help_sign_in",
    "app:install",
    "app:manifest",
    "app:worker",
    "billing:board_csv",
    "billing:exported",
    "billing:institution_file",
    "billing:statement_pdf",
    "completion:attachment",
    "completion:earnings_csv",
    "completion:signature",
    "completion:thumbnail",
    "demo:index",
    "demo:outbox",
    "help:index",
    "help:page",
    "requests:calendar_feed",
}


def screens() -> set[str]:
    """The addresses that a reader opens: the others are buttons."""
    rows = [line.split() for line in DOORS.strip().splitlines()[1:]]
    return {name for name, _, method, *answers in rows if method == "GET" and set(answers) - {"405", "login"}}


def test_every_screen_has_its_answer():
    unanswered = {name for name in screens() if not any(answer_to(name, role) for role in [None, *Role])}
    files = {name for name in unanswered if name.endswith("_csv")}
    assert unanswered - files <= NO_ANSWER
    assert NO_ANSWER & {screen for page in PAGES.values() for screen in page.screens} == set()


def test_the_list_of_answers_names_no_address_that_is_not():
    named = {screen for page in PAGES.values() for screen in page.screens}
    assert named - set(addresses()) == set()


@pytest.mark.parametrize(
    ("who", "slug"),
    [
        (make.alice, "demandes-par-statut"),
        (make.requester, "creer-une-demande"),
    ],
)
def test_the_foot_of_a_page_leads_to_the_answer_of_the_role(who, slug):
    page = signed_in(who()).get("/")
    assert f'<a href="{of(slug)}">Aide&nbsp;: {PAGES[slug].title}</a>' in page.content.decode()


def test_the_page_of_an_offer_leads_to_its_answer_without_signing_in():
    assert answer_to("requests:answer", None) is PAGES["partie-3"]


def test_the_admin_leads_to_the_help_too():
    page = signed_in(make.validator()).get("/admin/").content.decode()
    assert 'href="/aide/">Aide</a>' in page and f'href="{of("valider")}">Aide&nbsp;:' in page


def test_the_answer_to_a_screen_asks_the_database_nothing(django_assert_num_queries):
    user = SimpleNamespace(role=Role.INTERPRETER, is_authenticated=True)
    with django_assert_num_queries(0):
        assert answer_to("completion:edit", user.role) is PAGES["clore-une-demande"]
