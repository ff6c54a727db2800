"""What people typed freely, without the persons whom its reader may not know (domain.md, « Privacy »).

What is spelled another way cannot be known: this hides what the request itself says of them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import is_dataclass, replace
from datetime import datetime
from unicodedata import combining, normalize

from accounts.models import User
from requests_app.models import ServiceRequest
from requests_app.sheet import may_see_patient

Hide = Callable[[str], str]
PATIENT, PROFESSIONAL, INTERPRETER = "[usager]", "[professionnel(le)]", "[interprète]"
# Of a name, the words that name somebody; these do not, and stand in most sentences.
_LEAST = 3
_COMMON = frozenset({"des", "les", "dre", "mme"})
# Between two words of a name (« Roy, Anh », « Anh_Roy.jpg »), and between two figures of a number (« (438) 555 »).
_BETWEEN = r"[ ,._'’\u2010-\u2015-]{%s}"
_GAP = r"(?:[^\w\n]|_){0,3}"
_TELEPHONE = re.compile(r"\+?[0-9(][0-9\s().-]{5,24}[0-9]")


def as_typed(text: str) -> str:
    """The text itself: for a reader who may know everybody."""
    return text


def eraser_for(service_request: ServiceRequest, reader: User, *, at: datetime) -> Hide:
    """For whoever may see the patient, a text as it was typed; for the others, without patient nor professional."""
    return as_typed if may_see_patient(service_request, reader, at=at) else eraser(service_request)


def eraser(
    service_request: ServiceRequest, *, is_professional_known: bool = False, interpreters: Iterable[User] = ()
) -> Hide:
    """A function that takes the patient out of a text, the professional unless the reader knows them, and the
    `interpreters` whom the reader may not know.

    Whole words, whatever their accents and capitals; telephones and file numbers by their letters and digits alone.
    """
    row = service_request
    groups = [_pattern(row.patient_name, row.patient_phone, row.patient_file_number)]
    groups.append("" if is_professional_known else _pattern(row.professional_name, row.professional_phone))
    known = [_pattern(str(person), person.mobile_phone, person.email) for person in interpreters]
    groups.append("|".join(filter(None, known)))
    words = [(found, by) for found, by in zip(groups, (PATIENT, PROFESSIONAL, INTERPRETER), strict=True) if found]
    if not words:
        return as_typed
    # One pass: nothing is looked for in what was put in the place of another.
    pattern = re.compile("|".join(f"({found})" for found, _ in words))
    return lambda text: _erased(text, pattern, [by for _, by in words])


def masked(row, hide: Hide, *names: str):
    """A copy of a record, to be read and never saved, with these texts of it hidden."""
    texts = {name: hide(getattr(row, name)) for name in names}
    if is_dataclass(row):
        return replace(row, **texts)
    shown = copy(row)
    vars(shown).update(texts)
    return shown


def _erased(text: str, pattern: re.Pattern, by: list[str]) -> str:
    letters, places = _folded(text)
    kept, start = [], 0
    for found in pattern.finditer(letters):
        kept += [text[start : places[found.start()]], by[found.lastindex - 1]]
        start = places[found.end()]
    return "".join([*kept, text[start:]])


def _folded(text: str) -> tuple[str, list[int]]:
    """The letters of a text without accents nor capitals, with the place of each in it, and its end."""
    parts = [
        (letter, place)
        for place, typed in enumerate(text)
        for letter in normalize("NFKD", typed).casefold()
        if not combining(letter)
    ]
    return "".join(letter for letter, _ in parts), [*(place for _, place in parts), len(text)]


# What is looked for.


def _pattern(name: str, *numbers: str) -> str:
    keys = sorted({key for number in numbers for key in _keys(number)}, key=len, reverse=True)
    # A country's code may stand before a telephone, and an extension or a full stop after it.
    found = [rf"(?<![^\W_])(?:1{_GAP})?{_GAP.join(key)}(?![^\W_])" for key in keys]
    # The whole address first: it may hold the name.
    return "|".join([*found, *_name(_folded(name)[0])])


def _name(name: str) -> Iterator[str]:
    """The whole name in its order, glued or not, or its words in any: one mark for all that follow each other."""
    words = re.findall(r"[^\W_]+", name)
    if not words:
        return
    known = {word for word in words if len(word) >= _LEAST} - _COMMON
    whole = (_BETWEEN % "0,3").join(words)
    either = "|".join([whole, *sorted(known, key=len, reverse=True)])
    one = rf"(?<![^\W\d_])(?:{either})(?![^\W\d_])"
    yield rf"{one}(?:{_BETWEEN % '1,3'}{one})*"


def _keys(number: str) -> Iterable[str]:
    """A number as it is compared: its letters and digits; of a telephone with more written beside, the number too."""
    folded = _folded(number)[0]
    written = [folded, *_TELEPHONE.findall(folded)]
    keys = {re.sub(r"[\W_]", "", part) for part in written}
    return {key[1:] if re.fullmatch("1[0-9]{10}", key) else key for key in keys if len(key) >= _LEAST}
