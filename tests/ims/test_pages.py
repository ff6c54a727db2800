"""What holds for every page: its headers, its shape, its French, its weight, what it asks of the database."""

import gzip
import re
from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import PayStatement
from requests_app import board, exchanges, offers
from requests_app.answers import address_of
from requests_app.models import Offer
from requests_app.workflow import Status
from tests import make
from tests.billing import make as pay
from tests.completion.make import attach, image, provided, report
from tests.pages import ago, ahead, copies, nobody, signed_in

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


# Every page once


def lived_in() -> dict:
    """One request in each status, Alice's, with communications, messages, a file and a report where they can be."""
    made = {}
    for day, status in enumerate(
        [Status.UNALLOCATED, Status.PENDING, Status.RESERVED, Status.MODIFIED, Status.CANCELLED]
    ):
        made[status] = make.request(status, at=ago(9), starts_at=ahead(14 + day))
    made["started"] = make.reserved(at=ago(9), starts_at=timezone.now() - make.HOUR)
    made[Status.PROVIDED] = provided(at=ago(9), starts_at=ago(3))
    made[Status.COMPLETED] = make.completed(at=ago(9), starts_at=ago(4))
    made["urgent"] = make.reserved(at=ago(9), starts_at=timezone.now() + 20 * make.HOUR)
    made["gone"] = make.pending(make.alice(), make.bob(), at=ago(9), starts_at=ahead(20))
    make.communication(made[Status.RESERVED], made_at=ago(2))
    attach(made[Status.PROVIDED], at=ago(2))
    exchanges.post_message(made[Status.RESERVED], by=make.alice(), at=ago(1), body="Je serai là")
    exchanges.ask_urgent_withdrawal(made["urgent"], by=make.alice(), at=timezone.now(), body="Malade")
    exchanges.post_message(
        made[Status.RESERVED], by=make.coordinator(), at=ago(1), body="Merci", interpreter=make.alice()
    )
    make.absence(starts_at=ahead(13, 0), ends_at=ahead(30, 0))
    make.feed()
    offers.retract(made["gone"], make.alice(), by=make.coordinator(), at=ago(1))
    make.absence(starts_at=ahead(13), ends_at=ahead(18))
    make.feed()
    make.exclusion(at=ago(2))
    make.message_template()
    pay.statement()
    return made


def addresses(made: dict) -> dict:
    """The pages that each role opens."""
    detail = {key: f"/demandes/{request.pk}/" for key, request in made.items()}
    bi = f"/bi/demandes/{made[Status.RESERVED].pk}/"
    review = f"/admin/completion/review/{made[Status.PROVIDED].pk}/change/"
    own = [detail[key] for key in made if key not in (Status.UNALLOCATED, "gone")]
    alice = make.alice().pk
    link = address_of(made[Status.PENDING].offers.get())
    paid = PayStatement.objects.get()
    edited = [detail["started"], detail[Status.PROVIDED], detail[Status.COMPLETED]]
    return {
        make.alice: [
            "/",
            "/?vue=a-venir",
            "/?du=2024-11-04&borne=au",
            "/?cherche=navajo",
            link,
            *own,
            *(f"{page}achevement/" for page in edited),
        ]
        + [f"{detail[Status.RESERVED]}{name}/" for name in ("desistement", "ecrire", "achevement")]
        + [
            "/profil/",
            "/disponibilites/",
            "/ma-paie/",
            "/profil/mot-de-passe/",
            "/profil/coordonnees/?moyen=sms",
            "/aide/connexion/",
            "/aide/",
            "/aide/?q=statut",
            "/aide/partie-4/",
            "/aide/sieges-sociaux/",
            "/aide/installer/",
            "/disponibilites/",
        ]
        + [f"{detail[Status.PROVIDED]}{name}/" for name in ("pieces", "signatures", "achevement/recu")]
        + ["/demandes/999999/", f"/releves/{paid.pk}/"],
        make.requester: ["/", "/demandes/nouvelle/", *detail.values()]
        + [f"{detail[Status.RESERVED]}{name}/" for name in ("modifier", "annuler")],
        make.coordinator: [
            "/bi/",
            *(f"/bi/?file={queue.slug}" for queue in board.QUEUES),
            "/bi/?langue=arabe&type=on_site",
            "/bi/demandes/",
            "/bi/demandes/?statut=reserved&langue=espagnol",
            "/bi/demandes/?numero=999999",
            "/bi/statistiques/",
            "/bi/statistiques/?langue=espagnol&du=2024-11-01&au=2026-10-31",
            *detail.values(),
            "/demandes/nouvelle/",
        ]
        + [f"/demandes/nouvelle/?institution={make.institution().pk}", f"{bi}attribuer/?qui=bob", f"{bi}non-alloue/"]
        + ["/bi/interpretes/", "/bi/interpretes/?nom=alice&langue=espagnol", "/bi/modeles/", "/bi/modeles/nouveau/"]
        + [f"/bi/interpretes/{alice}/{name}" for name in ("", "services/", "exclure/")]
        + [f"/bi/modeles/{make.message_template().pk}/", f"{bi}modeles/?fil=demandeur", f"{bi}modeles/?fil={alice}"]
        + [f"/bi/demandes/{made[Status.UNALLOCATED].pk}/offrir/?qui=nom", f"{detail[Status.COMPLETED]}modifier/"]
        + [f"/bi/demandes/{made[Status.CANCELLED].pk}/retablir/", f"{detail['started']}achevement/"],
        make.validator: [
            "/paie/releves/",
            f"/paie/releves/{paid.period_id}/",
            f"/releves/{paid.pk}/",
            "/admin/",
            "/admin/completion/review/",
            review,
            detail[Status.PROVIDED],
            "/paie/tableau/",
        ],
        make.administrator: ["/admin/", "/bi/"],
    }


PAGES = []


@pytest.fixture
def pages(db):
    """(role, address, response) of every page, read once for all the tests that only look at them."""
    if not PAGES:
        for user, listed in addresses(lived_in()).items():
            client = signed_in(user())
            PAGES.extend((user.__name__, address, client.get(address)) for address in listed)
        PAGES.append(("nobody", "/connexion/", nobody().get("/connexion/")))
    return PAGES


def wrong(pages, check) -> dict:
    """What `check` says of each page, when it says something; Django's own admin pages apart where `check` says so."""
    return {f"{who} {address}": found for who, address, page in pages if (found := check(page, address))}


def ours(check):
    """A check of what our own templates write: the admin's lists are Django's."""
    return lambda page, address: None if address.startswith("/admin/") else check(page, address)


def test_every_page_opens(pages):
    odd = {"/demandes/999999/": 404, "/bi/": 200}
    refused = {("administrator", "/bi/"): 403}
    for who, address, page in pages:
        usual = 409 if address.endswith("modifier/") and who == "coordinator" else 200
        assert page.status_code == refused.get((who, address), odd.get(address, usual)), (who, address)


# Headers


POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "manifest-src 'self'",
    "worker-src 'self'",
}


def test_every_page_has_the_strict_policy(pages):
    def check(page, address):
        return {part.strip() for part in page["Content-Security-Policy"].split(";")} ^ POLICY

    assert wrong(pages, check) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Content-Type", "text/html; charset=utf-8"),
    ],
)
def test_every_page_has_the_header(pages, name, value):
    # The address of an offer is a key: that page tells it to nobody.
    hushed = {"Referrer-Policy": "no-referrer"}

    def check(page, address):
        return page.get(name) != (hushed.get(name, value) if address.startswith("/o/") else value)

    assert wrong(pages, check) == {}


def test_no_page_of_a_signed_in_person_is_kept(pages):
    def check(page, address):
        return address != "/connexion/" and not {"private", "no-store"} <= set(page["Cache-Control"].split(", "))

    assert wrong(pages, check) == {}


def test_signing_out_clears_what_the_browser_kept():
    answer = signed_in(make.alice()).post("/deconnexion/")
    assert (answer.url, answer["Clear-Site-Data"]) == ("/connexion/", '"cache", "storage"')


# Shape


class Shape(HTMLParser):
    """What a page is made of: tags, ids, labels, handlers, words between tags."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self.points_to, self.inline, self.words, self.open = (
            Counter(),
            Counter(),
            set(),
            [],
            [],
            [],
        )
        self.feed(page.content.decode())

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.open.append(tag)
        self.tags[tag] += 1
        if "template" in self.open:
            return
        self.ids[given.get("id")] += 1
        names = [given.get(name) for name in ("for", "aria-labelledby", "aria-describedby", "popovertarget")]
        self.points_to |= {name for text in names if text for name in text.split()}
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in given) else []
        self.inline += [value for value in given.values() if (value or "").lstrip().lower().startswith("javascript:")]

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style", "title", "textarea"} & set(self.open):
            self.words.append(data)


def test_no_page_has_an_inline_script_or_style(pages):
    assert wrong(pages, lambda page, address: Shape(page).inline) == {}


def test_every_page_has_one_heading_and_a_title_in_french(pages):
    def check(page, address):
        html = page.content.decode()
        return (
            Shape(page).tags["h1"] != 1
            or '<html lang="fr-CA">' not in html
            or " — Banque d’interprètes</title>" not in html
        )

    assert wrong(pages, ours(check)) == {}


def test_every_id_is_given_once_and_every_label_leads_somewhere(pages):
    def check(page, address):
        shape = Shape(page)
        twice = {name for name, count in shape.ids.items() if name and count > 1}
        return twice | {name for name in shape.points_to if name not in shape.ids}

    assert wrong(pages, ours(check)) == {}


def test_every_form_that_writes_carries_its_token(pages):
    def check(page, address):
        # The key of an offer's link is its token: such a page needs no cookie.
        return not address.startswith("/o/") and re.findall(
            r'<form[^>]*method="post"[^>]*>(?!\s*<input type="hidden" name="csrfmiddlewaretoken")', _flat(page)
        )

    assert wrong(pages, ours(check)) == {}


def _flat(page):
    return page.content.decode().replace("\n", " ")


# French


FAULTS = {
    "an ordinary space before « : » or « » »": r"\S [:»](?=\s|$)",
    "no space before « : »": r"[^\W\d]:(?=\s)",
    "an ordinary space after « « »": r"« ",
    "a space before « ? », « ! » or « ; »": r"\S\s[?!;](?=\s|$)",
    "a straight apostrophe": r"[^\W\d]'[^\W\d]",
    "a number apart from its unit": r"\d (h|min|km|\$|Mo)\b",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_page_keeps_the_spaces_and_apostrophes_of_french(pages, fault):
    def check(page, address):
        return [words.strip()[:80] for words in Shape(page).words if re.search(FAULTS[fault], words)]

    assert wrong(pages, ours(check)) == {}


# Weight and statements


def many(number, by=make.alice):
    """As many requests of each of three statuses: what was done these last weeks, what is to do, what is asked."""
    copies(make.completed(by(), at=ago(60), starts_at=ago(45)), number - 1, timedelta(hours=3))
    copies(make.reserved(by(), at=ago(60), starts_at=ahead(1)), number - 1, timedelta(hours=3))
    asked = copies(make.pending(by(), at=ago(60), starts_at=ahead(40)), number - 1, timedelta(hours=3))
    given = {"interpreter": by(), "sent_at": ago(1), "answer_by": ahead(30)}
    Offer.objects.bulk_create(Offer(service_request=request, **given) for request in asked)


def statements(user, address) -> int:
    client = signed_in(user)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("number", [1, 20])
def test_the_list_asks_the_database_5_times_whatever_the_number_of_requests(number):
    many(number)
    assert statements(make.coordinator(), "/bi/demandes/?statut=reserved") == 5


def busy(number):
    """A request with as many messages, communications, files and lines of history as that."""
    made = provided(at=ago(9), starts_at=ago(3))
    for index in range(number):
        exchanges.post_message(made, by=make.alice(), at=ago(2), body="Bonjour")
        make.communication(made, made_at=ago(4, index), requested_by_name="Dre Roy", purpose="reminder")
        attach(made, at=ago(2), content=image(size=(20 + index, 20)))
        report(made, at=ago(2), comments=f"Version {index}")
    return made


@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize(
    ("user", "most"), [(make.alice, 10), (make.requester, 5), (make.coordinator, 10), (make.validator, 8)]
)
def test_a_request_asks_the_database_as_often_whatever_it_holds(user, most, number):
    assert statements(user(), f"/demandes/{busy(number).pk}/") <= most


@pytest.mark.parametrize("number", [1, 20])
def test_the_page_of_an_offer_asks_the_database_as_often_whatever_the_number_of_interpreters(number):
    made = make.unallocated(at=ago(9), starts_at=ahead())
    for index in range(number):
        make.interpreter(f"Interprete{index}")
    # Another for who has the offer already, for who is looked for by name, and for what keeps them out.
    assert statements(make.coordinator(), f"/bi/demandes/{made.pk}/offrir/?qui=interprete") == 7


def test_home_with_60_requests_weighs_12_kb_at_most():
    many(20)
    assert len(gzip.compress(signed_in(make.alice()).get("/?du=2024-11-04").content)) <= 12 * 1024


def test_the_form_of_a_report_weighs_8_kb_at_most():
    made = make.reserved(at=ago(9), starts_at=ago(1))
    page = signed_in(make.alice()).get(f"/demandes/{made.pk}/achevement/")
    assert len(gzip.compress(page.content)) <= 8 * 1024


def styles_of(page) -> list:
    """The style sheets that a page loads, ours and the admin's that we wrote."""
    return re.findall(r'href="/static/(css/[a-z_]+)[^"]*\.css"', page.content.decode())


def test_no_page_loads_more_than_10_kb_of_styles(pages):
    def check(page, address):
        loaded = [(ROOT / f"static/{name}.css").read_bytes() for name in styles_of(page)]
        return not loaded or sum(len(gzip.compress(sheet)) for sheet in loaded) > 10 * 1024

    assert wrong(pages, check) == {}


def test_every_style_sheet_is_loaded_by_some_page(pages):
    loaded = {name for _, _, page in pages for name in styles_of(page)}
    assert loaded == {f"css/{path.stem}" for path in (ROOT / "static/css").glob("*.css")}


def scripts_of(page) -> list:
    """The scripts of ours that a page loads."""
    return re.findall(r'src="/static/(js/[a-z_]+)[^"]*\.js"', page.content.decode())


def test_no_page_loads_more_than_8_kb_of_our_own_scripts(pages):
    def check(page, address):
        loaded = [(ROOT / f"static/{name}.js").read_bytes() for name in scripts_of(page)]
        return sum(len(gzip.compress(script)) for script in loaded) > 8 * 1024

    assert wrong(pages, check) == {}


def test_every_script_is_loaded_by_some_page_and_stays_small():
    written = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    for path in (ROOT / "static/js").glob("*.js"):
        assert f"js/{path.name}" in written and len(gzip.compress(path.read_bytes())) <= 2304, path.name
