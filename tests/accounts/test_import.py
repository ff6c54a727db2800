"""Accounts from a spreadsheet: read whatever the spreadsheet wrote, said line by line, created all or not at all."""

import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import importing
from accounts.importing import MODEL, MOST_BYTES, MOST_LINES
from accounts.models import Notification, User
from accounts.roles import Role
from tests import make
from tests.pages import form_with, forms, said, signed_in

pytestmark = pytest.mark.django_db
TITLES = "identifiant;prénom;nom;courriel;cellulaire;rôle;établissement;langues"
NADIA = "nadia01;Nadia;Benali;nadia@exemple.test;514 555-0123;interprète;CHUM;arabe / russe"
RENE = "rene01;René;Côté;rene@exemple.test;;demandeur;CHUM;"


def address():
    return reverse("admin:accounts_user_import")


def sheet(*lines: str, titles=TITLES) -> str:
    return "\n".join([titles, *lines])


def send(content, client=None):
    """Choose a file and press « Vérifier le fichier »."""
    content = content if isinstance(content, bytes) else content.encode()
    client = client or signed_in(make.administrator())
    return client.post(address(), {"file": SimpleUploadedFile("comptes.csv", content)})


def create(content):
    """The dry run, then « Créer les comptes » as the page carries it."""
    client = signed_in(make.administrator())
    page = send(content, client)
    button = next(name for form in forms(page) for name in form.buttons if name.startswith("Créer"))
    return form_with(page, button).send(client, address(), creer="1")


def errors_of(content) -> list[str]:
    """What is wrong with each line, by its number."""
    lines = importing.lines_of(content)
    importing.check(lines)
    return [f"{line.number} {error}" for line in lines for error in line.errors]


def refusal_of(content) -> str:
    page = send(content)
    assert (page.status_code, page.context["lines"]) == (422, [])
    return page.context["refusal"]


# What is read


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_the_separators_of_spreadsheets_are_read(separator):
    content = sheet(NADIA, RENE).replace(";", separator)
    assert [line.fields["username"] for line in send(content).context["lines"]] == ["nadia01", "rene01"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_letters_of_spreadsheets_are_read(encoding, end):
    line = send(sheet(RENE).replace("\n", end).encode(encoding)).context["lines"][0]
    assert (line.fields["first_name"], line.fields["last_name"]) == ("René", "Côté")


def test_columns_are_found_by_their_titles_in_any_order():
    page = send("ROLE,Courriel,  nom ,Prenom,identifiant\ncoordonnatrice,a@exemple.test,Roy,Aline,ARoy\n")
    fields = page.context["lines"][0].fields
    assert (fields["username"], fields["role"], fields["last_name"]) == ("aroy", Role.COORDINATOR, "Roy")


def test_empty_lines_are_skipped_and_still_counted():
    assert errors_of(sheet("", ";;;;;;;", RENE.replace("rene@exemple.test", ""))) == ["4 courriel manquant"]


def test_a_line_break_inside_quotes_does_not_shift_the_numbers():
    quoted = NADIA.replace("Benali", '"Ben\nali"')
    assert errors_of(sheet(quoted, RENE.replace("René", ""))) == ["4 prénom manquant"]


def test_the_model_is_a_file_that_is_accepted():
    client = signed_in(make.administrator())
    model = client.get(address(), {"modele": "1"})
    assert model["Content-Disposition"] == 'attachment; filename="modele-comptes.csv"'
    assert len(send(model.content, client).context["carried"]) > 0
    assert MODEL in client.get(address()).content.decode()


# What is said of each line

WRONG = {
    ("nadia@exemple.test", ""): "courriel manquant",
    ("nadia@exemple.test", "nadia@"): "courriel\u00a0: Écrivez une adresse complète, par exemple nom@exemple.qc.ca.",
    ("nadia01", ""): "identifiant manquant",
    ("nadia01", "na dia"): "identifiant\u00a0: Écrivez l’identifiant sans espace, avec des lettres et des chiffres.",
    ("Nadia", "=HYPERLINK(1)"): "prénom\u00a0: Un nom ne commence ni par «\u00a0=\u00a0», ni par +, - ou @.",
    ("Benali", "@SUM(A1)"): "nom\u00a0: Un nom ne commence ni par «\u00a0=\u00a0», ni par +, - ou @.",
    ("Benali", "x" * 61): "nom\u00a0: Assurez-vous que cette valeur comporte au plus 60 caractères (actuellement 61).",
    ("514 555-0123", "12"): "cellulaire\u00a0: Écrivez les 10 chiffres du numéro, par exemple 514 555-0123.",
    ("interprète", ""): "rôle manquant",
    ("interprète", "interprete."): (
        "rôle inconnu, «\u00a0interprete.\u00a0». Vouliez-vous dire «\u00a0Interprète\u00a0»?"
    ),
    ("interprète", "système"): "rôle inconnu, «\u00a0système\u00a0»",
    ("CHUM", ""): "établissement manquant",
    ("CHUM", "CHUMM"): "établissement inconnu, «\u00a0CHUMM\u00a0». Vouliez-vous dire «\u00a0CHUM\u00a0»?",
    ("russe", "ruse"): "langue inconnue, «\u00a0ruse\u00a0». Vouliez-vous dire «\u00a0russe\u00a0»?",
    ("arabe / russe", ""): "langue manquante pour un interprète",
    ("arabe / russe", "arabe;x"): "plus de cases que de titres",
}


@pytest.mark.parametrize(("cell", "typed"), WRONG)
def test_what_is_wrong_is_said_with_its_line(cell, typed):
    assert errors_of(sheet(RENE, NADIA.replace(cell, typed))) == [f"3 {WRONG[cell, typed]}"]


def test_a_report_is_read_as_a_page_and_nothing_is_written():
    page = send(sheet(NADIA, RENE.replace("rene@exemple.test", "")))
    assert page.status_code == 422
    assert "Ligne 3 : courriel manquant" in said(page)
    assert "Créer" not in said(page)
    assert not User.objects.filter(username="nadia01").exists()


def test_an_identifier_is_taken_once_in_the_file_and_with_the_accounts():
    make.alice()
    twin = NADIA.replace("nadia@", "autre@").replace("nadia01", "NADIA01")
    taken = RENE.replace("rene01", "alice")
    found = errors_of(sheet(NADIA, twin, taken))
    assert found == [
        "3 l’identifiant nadia01 est déjà à la ligne 2",
        "4 l’identifiant alice est déjà celui d’un compte",
    ]


def test_one_address_has_two_accounts_for_two_roles_and_never_for_one():
    make.alice()
    same = NADIA.replace("nadia@exemple.test", "Alice@exemple.test")
    other = RENE.replace("rene@exemple.test", "alice@exemple.test")
    assert errors_of(sheet(same, other)) == ["2 ce courriel est déjà celui du compte alice, avec le même rôle"]


# Files that cannot be read

UNREADABLE = {
    "empty": (b"", "vide"),
    "blank": (b" \n\n", "vide"),
    "titles alone": (TITLES.encode(), "ligne des titres"),
    "a workbook": (b"PK\x03\x04xl/workbook.xml", "classeur Excel"),
    "an image": (b"\x89PNG\r\n\x1a\n\x00\x00", "pas du texte"),
    "NUL": (sheet(RENE).encode() + b"\x00", "pas du texte"),
    "neither encoding": (sheet(RENE).encode("cp1252") + b"\x81", "illisibles"),
    "other columns": (b"a;b;c\n1;2;3", "Colonne inconnue"),
    "a missing column": (b"identifiant;nom\nx;y", "manque la colonne pr\xc3\xa9nom, courriel"),
    "a column twice": (sheet(RENE, titles=TITLES + ";nom").encode(), "même titre"),
    "an open quote": (sheet(RENE, '"' + NADIA).encode(), "guillemet"),
    "a huge line": (sheet(RENE, "x" * 200_000).encode(), "trop longue"),
    "too heavy": (b"x" * (MOST_BYTES + 1), "400 Ko"),
    "too many lines": (sheet(*[RENE] * (MOST_LINES + 1)).encode(), "lignes"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_file_that_cannot_be_read_says_why(kind):
    content, why = UNREADABLE[kind]
    why = why.encode("latin-1").decode() if kind == "a missing column" else why
    assert why in refusal_of(content).replace("\u00a0", " ")


def test_no_file_at_all_is_said():
    page = signed_in(make.administrator()).post(address())
    assert (page.status_code, page.context["refusal"]) == (422, "Choisissez un fichier.")


# Creating


def test_the_dry_run_writes_nothing_and_says_what_it_would_create():
    page = send(sheet(NADIA, RENE))
    assert page.status_code == 200
    assert "Créer les 2 comptes" in said(page) and "Nadia Benali" in said(page)
    assert not User.objects.filter(username="nadia01").exists()


def test_the_accounts_of_the_file_are_created_and_each_is_invited():
    response = create(sheet(NADIA, RENE))
    assert response.status_code == 302
    nadia, rene = User.objects.get(username="nadia01"), User.objects.get(username="rene01")
    assert (nadia.role, nadia.mobile_phone, nadia.institution) == (Role.INTERPRETER, "+15145550123", None)
    assert nadia.interpreter_profile.languages.count() == 2
    assert rene.institution == make.institution()
    assert Notification.objects.filter(topic="invitation", user__in=[nadia, rene]).count() == 2


def test_nothing_is_created_when_a_line_is_taken_meanwhile():
    client = signed_in(make.administrator())
    page = send(sheet(NADIA, RENE), client)
    make.person("rene01", Role.COORDINATOR)
    answer = form_with(page, "Créer les 2 comptes").send(client, address(), creer="1")
    assert answer.status_code == 422
    assert not User.objects.filter(username="nadia01").exists()


def test_pressing_twice_creates_once():
    client = signed_in(make.administrator())
    form = form_with(send(sheet(NADIA), client), "Créer le compte")
    answers = [form.send(client, address(), creer="1").status_code for _ in range(2)]
    assert answers == [302, 422]
    assert User.objects.filter(username="nadia01").count() == 1


@pytest.mark.parametrize("carried", ["", "abc", "é" * 50, "a:b:c"])
def test_a_file_that_was_not_checked_here_is_not_created(carried):
    page = signed_in(make.administrator()).post(address(), {"creer": "1", "carried": carried})
    assert page.status_code == 422
    assert "Choisissez de nouveau le fichier" in page.context["refusal"]


def test_a_file_checked_by_somebody_else_is_not_created():
    carried = send(sheet(NADIA)).context["carried"]
    other = signed_in(make.person("Ada", Role.ADMINISTRATOR))
    assert other.post(address(), {"creer": "1", "carried": carried}).status_code == 422
    assert not User.objects.filter(username="nadia01").exists()


def people(number: int) -> str:
    rows = (NADIA.replace("nadia01", f"n{i}").replace("nadia@", f"n{i}@") for i in range(number))
    return sheet(*rows)


@pytest.mark.long
def test_the_largest_file_survives_the_round_trip():
    assert create(people(MOST_LINES)).status_code == 302
    assert User.objects.filter(username__startswith="n", role=Role.INTERPRETER).count() == MOST_LINES


def test_four_hundred_lines_are_created_quickly_with_few_statements():
    began = time.monotonic()
    with CaptureQueriesContext(connection) as captured:
        create(people(400))
    assert time.monotonic() - began < 5
    assert len(captured) < 400 * 2 + 60


def test_checking_a_file_takes_a_handful_of_queries():
    lines = importing.lines_of(people(50))
    with CaptureQueriesContext(connection) as captured:
        importing.check(lines)
    assert len(captured) == 4


@pytest.mark.parametrize("who", [make.coordinator, make.validator, make.alice])
def test_only_administrators_import(who):
    assert signed_in(who()).post(address()).status_code in {302, 403}
    assert signed_in(who()).get(address()).status_code in {302, 403}
