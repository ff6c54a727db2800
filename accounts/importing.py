"""Accounts from a spreadsheet (CSV): read, checked line by line, and created all together or not at all."""

import csv
import difflib
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.core.validators import EMPTY_VALUES
from django.db.models.functions import Lower

from accounts.account_forms import PLACED, AccountFields
from accounts.french import NBSP, decimal
from accounts.models import Institution, Language, User
from accounts.roles import STAFF_ROLES, Role

MOST_LINES = 1000
MOST_BYTES = 400_000
COLUMNS = {
    "identifiant": "username",
    "prénom": "first_name",
    "nom": "last_name",
    "courriel": "email",
    "cellulaire": "mobile_phone",
    "rôle": "role",
    "établissement": "institution",
    "langues": "languages",
}
REQUIRED = ("identifiant", "prénom", "nom", "courriel", "rôle")
MODEL = """identifiant;prénom;nom;courriel;cellulaire;rôle;établissement;langues
mgarcia;María;García;mgarcia@exemple.test;514 555-0123;interprète;CHUM;espagnol / portugais
ltremblay;Luc;Tremblay;ltremblay@exemple.test;;demandeur;CHUM;
aroy;Aline;Roy;aroy@exemple.test;438 555-0145;coordonnateur;;
"""
_MISSING = {
    "username": "identifiant manquant",
    "first_name": "prénom manquant",
    "last_name": "nom manquant",
    "email": "courriel manquant",
}
_ROLES = {
    "interprete": Role.INTERPRETER,
    "traducteur": Role.INTERPRETER,
    "traductrice": Role.INTERPRETER,
    "demandeur": Role.REQUESTER,
    "demandeuse": Role.REQUESTER,
    "coordonnateur": Role.COORDINATOR,
    "coordonnatrice": Role.COORDINATOR,
    "coordonnateur (bi)": Role.COORDINATOR,
    "valideur": Role.VALIDATOR,
    "valideuse": Role.VALIDATOR,
    "valideur (bi)": Role.VALIDATOR,
    "administrateur": Role.ADMINISTRATOR,
    "administratrice": Role.ADMINISTRATOR,
}


class Unreadable(Exception):
    """The file itself cannot be used; `str()` is the French sentence."""


@dataclass
class Line:
    """A line of the file: its number there, what it says, what would be created, and what is wrong with it."""

    number: int
    cells: dict[str, str]
    fields: dict = field(default_factory=dict)
    profile: dict | None = None
    errors: list[str] = field(default_factory=list)

    @property
    def place(self) -> Institution | None:
        return self.profile["home_institution"] if self.profile else self.fields.get("institution")

    @property
    def languages(self) -> list[Language]:
        return self.profile["languages"] if self.profile else []


# Reading


def check_size(size: int) -> None:
    """Raise Unreadable for a file of more bytes than `MOST_LINES` accounts need."""
    if size > MOST_BYTES:
        raise Unreadable(f"Le fichier dépasse {MOST_BYTES // 1000}{NBSP}Ko\u00a0: séparez-le en plusieurs.")


def text_of(content: bytes) -> str:
    """The text of a file saved by a spreadsheet: UTF-8, or Windows-1252. Raises Unreadable."""
    if not content.strip():
        raise Unreadable("Le fichier est vide.")
    check_size(len(content))
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Unreadable(
            "C’est un classeur Excel\u00a0: enregistrez-le d’abord en CSV (séparateur\u00a0: point-virgule)."
        )
    if b"\x00" in content:
        raise Unreadable("Le fichier n’est pas du texte\u00a0: enregistrez-le en CSV UTF-8.")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("Les lettres du fichier sont illisibles\u00a0: enregistrez-le en CSV UTF-8.")


def lines_of(text: str) -> list[Line]:
    """The lines of the file, empty ones left out. Raises Unreadable: wrong columns, a quote never closed, too long."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        rows = list(_numbered(reader))
    except csv.Error as error:
        raise Unreadable(
            f"Ligne {reader.line_num}\u00a0: un guillemet n’est pas fermé, ou la ligne est trop longue."
        ) from error
    if not rows:
        raise Unreadable("Le fichier est vide.")
    names = _columns(rows[0][1])
    found = [_line(number, names, cells) for number, cells in rows[1:]]
    if not found:
        raise Unreadable("Le fichier n’a que la ligne des titres\u00a0: ajoutez une ligne par compte.")
    if len(found) > MOST_LINES:
        raise Unreadable(
            f"Le fichier a {decimal(len(found))}{NBSP}lignes. Au plus {decimal(MOST_LINES)} sont acceptées à la fois."
        )
    return found


def _delimiter(text: str) -> str:
    titles = text.lstrip().partition("\n")[0]
    return max(";,\t", key=titles.count)


def _numbered(reader) -> Iterable[tuple[int, list[str]]]:
    """(number of the line where it begins, cells) of each row that says something."""
    number = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield number, cells
        number = reader.line_num + 1


def _columns(titles: list[str]) -> list[str]:
    """The field of each column; those without a title are ignored."""
    known = {_folded(title): name for title, name in COLUMNS.items()}
    names = [known.get(_folded(title)) if title.strip() else "" for title in titles]
    unknown = [title.strip()[:40] for title, name in zip(titles, names, strict=True) if name is None]
    if unknown:
        raise Unreadable(
            f"Colonne inconnue\u00a0: {', '.join(unknown[:5])}. Les titres attendus sont {_titles(COLUMNS)}."
        )
    if repeated := [title for title, name in COLUMNS.items() if names.count(name) > 1]:
        raise Unreadable(f"Deux colonnes portent le même titre\u00a0: {_titles(repeated)}.")
    if absent := [title for title in REQUIRED if COLUMNS[title] not in names]:
        raise Unreadable(f"Il manque la colonne {_titles(absent)}.")
    return names


def _titles(titles) -> str:
    return ", ".join(titles)


def _line(number: int, names: list[str], cells: list[str]) -> Line:
    said = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name}
    line = Line(number, {name: said.get(name, "") for name in COLUMNS.values()})
    if any(cell.strip() for cell in cells[len(names) :]):
        line.errors.append("plus de cases que de titres")
    return line


def _folded(text: str) -> str:
    """For comparing what people write: no accents, no capitals, one space."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'")).casefold()
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())


# Checking


def check(lines: list[Line]) -> None:
    """Fill in what each line would create, and what is wrong with it; a handful of queries for the whole file."""
    institutions = {_folded(known.name): known for known in Institution.objects.all()}
    languages = {_folded(known.name): known for known in Language.objects.all()}
    for line in lines:
        _check_person(line)
        _check_role(line, institutions, languages)
    _check_usernames(lines)
    _check_emails(lines)


def _check_person(line: Line) -> None:
    form = AccountFields(line.cells)
    if not form.is_valid():
        for name, errors in form.errors.as_data().items():
            for error in errors:
                line.errors.append(_MISSING[name] if error.code == "required" else _said(form, name, error))
    line.fields = form.cleaned_data


def _said(form, name: str, error) -> str:
    return f"{form.fields[name].label.lower()}\u00a0: {' '.join(error.messages)}"


def _check_role(line: Line, institutions: dict, languages: dict) -> None:
    role = _known(line, "rôle", "role", _ROLES)
    if role is None:
        return
    place = _known(line, "établissement", "institution", institutions) if role in PLACED else None
    line.fields |= {"role": role, "institution": place if role == Role.REQUESTER else None}
    if role in STAFF_ROLES and line.fields.get("mobile_phone") == "":
        line.errors.append("cellulaire manquant pour le personnel de la BI, qui y reçoit ses codes")
    if role == Role.INTERPRETER:
        names = [name.strip() for name in line.cells["languages"].replace("/", ",").split(",") if name.strip()]
        spoken = [_found(line, "langue", name, languages) for name in names]
        if not names:
            line.errors.append("langue manquante pour un interprète")
        line.profile = {"home_institution": place, "languages": list(dict.fromkeys(filter(None, spoken)))}


def _known(line: Line, word: str, name: str, known: dict):
    """What a cell names, or None with the error said."""
    if line.cells[name] in EMPTY_VALUES:
        line.errors.append(f"{word} manquant")
        return None
    return _found(line, word, line.cells[name], known)


def _found(line: Line, word: str, typed: str, known: dict):
    found = known.get(_folded(typed))
    if found is None:
        near = difflib.get_close_matches(_folded(typed), known, 1)
        meant = f". Vouliez-vous dire «{NBSP}{_name_of(known[near[0]])}{NBSP}»?" if near else ""
        article = "inconnue" if word == "langue" else "inconnu"
        line.errors.append(f"{word} {article}, «{NBSP}{typed[:60]}{NBSP}»{meant}")
    return found


def _name_of(found) -> str:
    return found.label if isinstance(found, Role) else str(found)


def _check_usernames(lines: list[Line]) -> None:
    names = [line.fields["username"] for line in lines if line.fields.get("username")]
    taken = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    first = {}
    for line in lines:
        name = line.fields.get("username")
        if name in taken:
            line.errors.append(f"l’identifiant {name} est déjà celui d’un compte")
        elif name in first:
            line.errors.append(f"l’identifiant {name} est déjà à la ligne {first[name]}")
        elif name:
            first[name] = line.number


def _check_emails(lines: list[Line]) -> None:
    """One address may have two accounts, for two roles; twice the same role is the same person twice."""
    emails = [line.fields["email"].lower() for line in lines if line.fields.get("email")]
    known = User.objects.annotate(address=Lower("email")).filter(address__in=emails)
    taken = {
        (address, role): f"celui du compte {name}"
        for address, role, name in known.values_list("address", "role", "username")
    }
    for line in lines:
        person = line.fields.get("email", "").lower(), line.fields.get("role")
        if all(person) and person in taken:
            line.errors.append(f"ce courriel est déjà {taken[person]}, avec le même rôle")
        elif all(person):
            taken[person] = f"à la ligne {line.number}"
