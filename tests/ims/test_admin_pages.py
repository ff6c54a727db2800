"""Every page of Django's admin, for those who open it: in the French of the house, with a row of each model to show."""

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.urls import reverse

from accounts.roles import Role
from billing.models import PayPolicy
from requests_app.models import Holiday
from tests import make
from tests.billing import make as pay
from tests.completion.make import provided
from tests.ims.test_pages import FAULTS, Shape
from tests.pages import ago, form_with, signed_in

pytestmark = pytest.mark.django_db
STAFF = {Role.VALIDATOR: make.validator, Role.ADMINISTRATOR: make.administrator}
ROOMS = {"accounts", "requests_app", "billing", "completion"}
# Django's own words when a sentence is not translated, and what its French says in a clumsy way.
ENGLISH = (
    "Add Change Changed Save Select Selected Home Delete Search Yes Today Now History Filter View Remove Show Clear"
)
ENGLISH += " Please Log User True False None object selected results successfully"
CLUMSY = ["l['’]objet", "Modification de", "Ajout de", "Affichage de", "à changer", "avec succès", "je suis sûr"]
FOREIGN = re.compile(rf"\b(?:{'|'.join(ENGLISH.split())})\b|{'|'.join(CLUMSY)}")
# What a person hears, or reads on a button, besides the text.
TOLD = re.compile(r'\b(?:alt|title|placeholder|aria-label)="([^"]*)"|<input type="submit" value="([^"]*)"')


def models() -> list:
    """Those of ours that are registered: the libraries' own are nobody's."""
    ours = [model for model in admin.site._registry if model._meta.app_label in ROOMS]
    return sorted(ours, key=lambda model: model.__name__)


def rows() -> dict:
    """{model: the key of one of its rows}."""
    pay.paid()
    own = {"Review": provided(at=ago(9), starts_at=ago(3)).pk, "User": make.alice().pk}
    own["PayPolicy"] = PayPolicy.objects.published().latest("effective_from").pk
    return {model: own.get(model.__name__) or model.objects.values_list("pk", flat=True).first() for model in models()}


def addresses(model, pk) -> dict[str, str]:
    """The pages of a model: its list, with and without a row, and those of one row."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    listed = reverse(f"{name}_changelist")
    one = {page: reverse(f"{name}_{page}", args=[pk]) for page in ("change", "history", "delete")}
    return {"list": listed, "nothing": f"{listed}?q=zzzz", "add": reverse(f"{name}_add"), **one}


def other_addresses() -> list[str]:
    """The home, the import, and the pages of one account's access."""
    verbs = [reverse(f"admin:accounts_user_{name}", args=[make.alice().pk]) for name in ("resend", "factor_reset")]
    return [reverse("admin:index"), reverse("admin:accounts_user_import"), *verbs]


OPENED = []


@pytest.fixture
def opened(db):
    """(role, model, which page, the page) of the whole admin, read once for all the tests that only look at it."""
    if not OPENED:
        known = {(model, name): url for model, pk in rows().items() for name, url in addresses(model, pk).items()}
        known |= {(None, url): url for url in other_addresses()}
        for role, user in STAFF.items():
            client = signed_in(user())
            OPENED.extend((role, *key, client.get(url, follow=True)) for key, url in known.items())
    return OPENED


def wrong(opened, check) -> list:
    """What `check` says of each page, when it says something."""
    return [(f"{role} {page.wsgi_request.path}", found) for role, *_, page in opened if (found := check(page))]


def words(page) -> list[str]:
    body = re.sub(r"(?s)<(script|style)\b.*?</\1>", "", page.content.decode())
    return [*Shape(page).words, *("".join(told) for told in TOLD.findall(body))]


def test_every_page_of_a_row_opens_to_who_may_see_it(opened):
    for role, model, name, page in opened:
        if model and name in ("list", "nothing", "change", "history"):
            may = role in admin.site._registry[model].view_roles
            assert page.status_code == (200 if may else 403), (role, model, name)


def test_no_page_of_the_admin_fails(opened):
    assert {page.status_code for *_, page in opened} <= {200, 403, 409}


def test_every_page_of_the_admin_is_in_french(opened):
    assert wrong(opened, lambda page: {found for said in words(page) for found in FOREIGN.findall(said)}) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_every_page_of_the_admin_keeps_the_spaces_and_apostrophes_of_french(opened, fault):
    assert (
        wrong(opened, lambda page: [said.strip()[:80] for said in words(page) if re.search(FAULTS[fault], said)]) == []
    )


def test_every_page_of_the_admin_has_one_heading_and_the_title_of_the_house(opened):
    def check(page):
        html = page.content.decode()
        return Shape(page).tags["h1"] != 1 or " — Banque d’interprètes</title>" not in html

    assert wrong(opened, check) == []


# What is chosen in a list


HOLIDAYS = "/admin/requests_app/holiday/"


def test_several_days_are_deleted_after_a_page_that_names_them():
    client, days = signed_in(make.administrator()), Holiday.objects.order_by("date")[:2]
    chosen = {"action": "delete_selected", "_selected_action": [str(day.pk) for day in days], "index": 0}
    page = client.post(HOLIDAYS, chosen)
    assert all(str(day) in page.content.decode() for day in days)
    left = Holiday.objects.count() - 2
    assert (
        form_with(page, "Supprimer").send(client, HOLIDAYS, _selected_action=chosen["_selected_action"]).url == HOLIDAYS
    )
    assert Holiday.objects.count() == left


@pytest.mark.parametrize("key", ["", "demain", "2026-13-01", "\x00", "9" * 30])
@pytest.mark.parametrize("model", ["requests_app/holiday", "accounts/user", "accounts/language"])
def test_a_key_that_no_page_sends_chooses_nothing(model, key):
    chosen = {"action": "delete_selected", "_selected_action": key, "index": 0}
    answer = signed_in(make.administrator()).post(f"/admin/{model}/", chosen)
    assert answer.status_code in (200, 302)


# Our own words, beside Django's translation


LOCALE = Path(settings.BASE_DIR) / "ims" / "locale" / "fr_CA" / "LC_MESSAGES"
DJANGO = Path(admin.__file__).parent / "locale" / "fr" / "LC_MESSAGES"


def catalog(path: Path) -> dict:
    with path.open("rb") as file:
        return gettext.GNUTranslations(file)._catalog


@pytest.mark.parametrize("name", ["django", "djangojs"])
def test_what_a_server_reads_of_our_words_is_what_was_written(name):
    written = re.findall(r'^msgstr(?:\[\d\])? (".+")$', (LOCALE / f"{name}.po").read_text(encoding="utf-8"), re.M)
    read = [said for key, said in catalog(LOCALE / f"{name}.mo").items() if key]
    assert sorted(map(ast.literal_eval, written)) == sorted(read)


@pytest.mark.parametrize("name", ["django", "djangojs"])
def test_each_sentence_of_ours_is_still_one_of_django(name):
    assert sorted(map(str, catalog(LOCALE / f"{name}.mo").keys() - catalog(DJANGO / f"{name}.mo").keys())) == []
