"""A PDF is kept as it came, never rendered and only downloaded: here it is only refused, or not."""

import logging
from io import BytesIO

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

from completion.decoding import MAX_PAGES, Refusal, Rejected

MAX_OBJECTS = 20_000
# Names of the PDF standard that run, open, send or carry something; a viewer that repairs files may find them anywhere.
_ACTIVE = frozenset(
    f"/{name}"
    for name in (
        "JavaScript JS Launch EmbeddedFile EmbeddedFiles EF FileAttachment RichMedia XFA SubmitForm ImportData "
        "Rendition Movie Sound GoToE 3D"
    ).split()
)
_ACTIVE_BYTES = (b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"/RichMedia")
# What some producers leave after the end; anything else there is another file (a ZIP, a page).
_PADDING = b"\0\t\n\f\r \x1a"

# It quotes what it reads: a person's file has no place in our logs.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def check(content: bytes) -> None:
    """Raise Rejected for a PDF that is encrypted, active, too long, too complex, or that cannot be read."""
    try:
        reader = PdfReader(BytesIO(content))
        if reader.is_encrypted:
            raise Rejected(Refusal.ENCRYPTED)
        if not 1 <= len(reader.pages) <= MAX_PAGES:
            raise Rejected(Refusal.PAGES)
        is_active = _carries_more(content) or _has_active_content(reader, content)
    except (Rejected, MemoryError):
        raise
    except RecursionError as error:
        raise Rejected(Refusal.COMPLEX) from error
    except Exception as error:  # a parser fed with hostile bytes raises anything
        raise Rejected(Refusal.UNREADABLE_PDF) from error
    if is_active:
        raise Rejected(Refusal.ACTIVE)


def _carries_more(content: bytes) -> bool:
    return bool(content.rpartition(b"%%EOF")[2].strip(_PADDING))


def _has_active_content(reader: PdfReader, content: bytes) -> bool:
    if any(word in content for word in _ACTIVE_BYTES):
        return True
    keys = {(number, generation) for generation, table in reader.xref.items() for number in table}
    keys |= {(number, 0) for number in reader.xref_objStm}
    if len(keys) > MAX_OBJECTS:
        raise Rejected(Refusal.COMPLEX)
    return any(_is_active(reader.get_object(IndirectObject(*key, reader))) for key in keys)


def _is_active(found) -> bool:
    """Whether an object names something active; objects it refers to are visited by themselves."""
    waiting = [found]
    while waiting:
        current = waiting.pop()
        if isinstance(current, NameObject) and current in _ACTIVE:
            return True
        if isinstance(current, DictionaryObject):
            waiting += [*current.keys(), *current.values()]
        elif isinstance(current, ArrayObject):
            waiting += current
    return False
