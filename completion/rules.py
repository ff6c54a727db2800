"""How the interpreter's report is read: tolerant times, and communications typed as in the FAQ (ruling 6; FAQ
« Comment dois-je rentrer les communications effectuées en dehors de la période d'interprétation ? »).

Pure: standard library only. The labels of the purposes are written once, elsewhere: `purposes` maps label to code.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

# One floor down, so that pages and `quote` read local times alike; offered here too, beside `parse_time`.
from requests_app.business_days import local_instant as local_instant

OTHER = "other"

_TIME = re.compile(
    r"([0-9]{1,2})(?:\s*h(?:eures?)?(?:\s*([0-9]{1,2})(?:\s*min(?:utes?)?)?)?|\s*[.:]\s*([0-9]{2}))?"
    r"|([0-9]{1,2})([0-9]{2})",
    re.IGNORECASE,
)
# Twelve hours, as some telephones write them.
_HALF_DAY = re.compile(r"(1[0-2]|0?[1-9])(?:\s*[.:h]\s*([0-5][0-9]))?\s*([ap])\.?m\.?", re.IGNORECASE)
_NAMED = {"midi": time(12), "minuit": time(0)}
_ROW = re.compile(
    r"""(?:[-–—•*·❖▪]\s*)?                                # a bullet
    (?:[0-9]{1,3}(?:\s*[-–—.):°]\s*|\s+))?              # a number
    (?P<day>[0-9]{4}([-/])[0-9]{1,2}\2[0-9]{1,2})
    (?:\s*[,–—-]\s*|\s+(?:[àa]\u0300?\s+)?)
    (?P<time>[0-9]{1,2}\s*(?:h(?:eures?)?\s*[0-9]{2}|[.:]\s*[0-9]{2}|h(?:eures?)?)|[0-9]{3,4})(?!\w)
    \s*[,.:–—-]?\s*
    (?P<purpose>.*)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# « , demandé par NOM : justification », in parentheses as well; a justification alone.
_ASKED = re.compile(r"[,;(–—-]\s*(?:demand(?:é|e\u0301|e)e?\s+par\b|(justification)\s*:)\s*", re.IGNORECASE)
# What looks like a communication without being one: a date first, in whatever order.
_DATED = re.compile(
    r"(?:[-–—•*·❖▪]\s*)?(?:[0-9]{1,3}\s*[-–—.):°]\s*|[0-9]{1,3}\s+)?(?:le\s+)?[0-9]{1,4}([-/.])[0-9]{1,2}\1[0-9]{1,4}\b",
    re.IGNORECASE,
)
_BULLETED = re.compile(r"[-–—•*·❖▪0-9]")
_HEADINGS = ("communication", "communications")


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedCommunication:
    """One communication as written: local date and time, purpose code, the text of an « Autre », who asked and why."""

    day: date
    time: time
    purpose: str
    other: str = ""
    requested_by_name: str = ""
    justification: str = ""


def parse_time(text: str) -> time:
    """A time of day typed as 14h10, 14 h 10 min, 14 heures 10, 20.12, 20:12, 1410, 9h, 9, midi or 2:00 pm (ruling 6).

    « 24h00 » is the midnight that begins a day, as « minuit ». Raises ValueError, a French sentence, on the rest.
    """
    text = text.strip()
    if named := _NAMED.get(text.casefold()):
        return named
    if half := _HALF_DAY.fullmatch(text):
        return time(int(half[1]) % 12 + 12 * (half[3] in "pP"), int(half[2] or 0))
    typed = _TIME.fullmatch(text)
    if typed is None:
        raise ValueError("Écrivez l’heure ainsi\u00a0: 14\u00a0h\u00a010.")
    hour, minute = int(typed[1] or typed[4]), int(typed[2] or typed[3] or typed[5] or 0)
    try:
        return time(0 if (hour, minute) == (24, 0) else hour, minute)
    except ValueError:
        raise ValueError("Cette heure n’existe pas\u00a0: elle va de 0\u00a0h à 23\u00a0h\u00a059.") from None


def parse_communications(text: str, *, purposes: Mapping[str, str]) -> tuple[list[TypedCommunication], str]:
    """The lines of a comment that are communications in the FAQ's form, and the rest of the comment, byte for byte.

    A purpose without a label becomes OTHER with its text; a line whose date or time cannot be, or that says no
    purpose, stays in the comment. Source: ruling 6.
    """
    codes = {_key(label): code for label, code in purposes.items()}
    lines = text.splitlines(keepends=True)
    rows = [_parse_row(line, codes) for line in lines]
    kept = [
        line
        for position, (line, row) in enumerate(zip(lines, rows, strict=True))
        if row is None and not (_key(line) in _HEADINGS and _announces_rows(lines, rows, position))
    ]
    return [row for row in rows if row is not None], "".join(kept)


def unread_lines(text: str, *, purposes: Mapping[str, str]) -> list[str]:
    """The lines that look like communications and are not read, one a line, as typed; a hint, never an error.

    They begin by a date, or hold the label of a purpose beside a number or after a bullet.
    """
    codes = {_key(label): code for label, code in purposes.items()}
    labels = [key for key, code in codes.items() if code != OTHER]
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if _looks_like_a_row(line, labels) and _parse_row(line, codes) is None]


def format_communications(rows: Iterable[TypedCommunication], *, purposes: Mapping[str, str]) -> str:
    """The communications as the FAQ writes them, one a line under « Communications : »; nothing when there are none.

    Source: ruling 6, one format. Read back by `parse_communications`, it gives the same rows.
    """
    labels = {code: label for label, code in purposes.items()}
    lines = [f"{number}- {_format_row(row, labels)}" for number, row in enumerate(rows, start=1)]
    return "\n".join(["Communications :", *lines]) if lines else ""


def is_billable(
    *,
    requested_by_request: bool,
    requested_by_name: str,
    justification: str,
    at: datetime,
    notice_received_at: datetime | None,
) -> bool:
    """Whether a communication is billable without the validator deciding (ruling 6; FAQ « Demandé par »).

    The request asks for it, or somebody is named with a justification; and it was not made after the notice of
    cancellation. Raises ValueError when it has to compare a naive instant.
    """
    missing = _missing(requested_by_request, requested_by_name, justification)
    return not _follows(at, notice_received_at) and not missing


def why_unbillable(
    *,
    requested_by_request: bool,
    requested_by_name: str,
    justification: str,
    at: datetime,
    notice_received_at: datetime | None,
) -> str:
    """Why the same communication is not billable, in French; nothing when it is (ruling 6)."""
    if _follows(at, notice_received_at):
        return "Faite après l’avis d’annulation."
    missing = _missing(requested_by_request, requested_by_name, justification)
    return f"La demande ne prévoit pas de communication; il manque {' et '.join(missing)}." if missing else ""


def _follows(at: datetime, notice_received_at: datetime | None) -> bool:
    return notice_received_at is not None and _elapsed(at) > _elapsed(notice_received_at)


def _missing(requested_by_request: bool, requested_by_name: str, justification: str) -> list[str]:
    """What would make a communication that the request does not ask for billable."""
    if requested_by_request:
        return []
    known = {"le nom de qui l’a demandée": requested_by_name, "la justification": justification}
    return [words for words, value in known.items() if not value.strip()]


def _parse_row(line: str, codes: Mapping[str, str]) -> TypedCommunication | None:
    typed = _ROW.fullmatch(line.strip())
    if typed is None or not _key(typed["purpose"]):
        return None
    try:
        day = date(*map(int, re.split("[-/]", typed["day"])))
        at = parse_time(typed["time"])
    except ValueError:
        return None
    text, asked = _split_asked(typed["purpose"])
    purpose, other = _parse_purpose(text, codes)
    return TypedCommunication(day=day, time=at, purpose=purpose, other=other, **asked)


def _split_asked(text: str) -> tuple[str, dict[str, str]]:
    """A purpose, and what the FAQ asks to write after it: « Demandé par » and « Justification »."""
    found = _ASKED.search(text)
    if found is None:
        return text, {}
    rest = text[found.end() :].strip()
    if found[0].startswith("("):
        rest = rest.removesuffix(".").removesuffix(")")
    # A name may hold a comma (« Mme Roy, CLSC ») when a colon follows it.
    mark = next((mark for mark in ":,;" if mark in rest), ":")
    name, _, why = ("", "", rest) if found[1] else rest.partition(mark)
    return text[: found.start()].strip(), {"requested_by_name": name.strip(), "justification": why.strip()}


def _parse_purpose(text: str, codes: Mapping[str, str]) -> tuple[str, str]:
    prefix, _, rest = text.partition(":")
    if codes.get(_key(prefix)) == OTHER:
        return OTHER, rest.strip()
    code = codes.get(_key(text))
    return (code, "") if code else (OTHER, text)


def _looks_like_a_row(line: str, labels: Iterable[str]) -> bool:
    has_number = any(character.isdecimal() for character in line) or _BULLETED.match(line)
    return bool(_DATED.match(line) or (has_number and any(label in _key(line) for label in labels)))


def _announces_rows(lines: list[str], rows: list[TypedCommunication | None], position: int) -> bool:
    """A heading goes with its rows; the same word above prose is the interpreter's own text."""
    following = zip(lines[position + 1 :], rows[position + 1 :], strict=True)
    return next((row is not None for line, row in following if line.strip()), False)


def _format_row(row: TypedCommunication, labels: Mapping[str, str]) -> str:
    purpose = labels[row.purpose]
    if row.purpose == OTHER and row.other:
        # « Autre : » keeps a free text apart from the labels, whatever it says; a line break would make two rows.
        purpose = f"{purpose} : {' '.join(row.other.split())}"
    return f"{row.day} {row.time.hour}h{row.time:%M} {purpose}{_format_asked(row)}"


def _format_asked(row: TypedCommunication) -> str:
    # A colon ends the name.
    name, why = (" ".join(text.split()) for text in (row.requested_by_name.replace(":", " "), row.justification))
    if not name:
        return f", justification : {why}" if why else ""
    return f", demandé par {name} : {why}".rstrip() if why or "," in name or ";" in name else f", demandé par {name}"


def _key(text: str) -> str:
    """Letters and digits only, no accents or capitals: apostrophes, hyphens and spaces vary from phone to phone."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if c.isalnum())


def _elapsed(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise ValueError("Une date et une heure doivent avoir un fuseau horaire.")
    return instant.astimezone(UTC)
