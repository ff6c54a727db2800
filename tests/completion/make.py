"""Reports as Alice files them, and files as people choose them."""

from datetime import timedelta
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from completion import services
from completion.models import Outcome
from tests import make
from tests.make import HOUR


def times(service_request, *, late=timedelta(), length=None) -> dict:
    """The presence as booked, or begun `late`, or of another `length`."""
    starts_at = service_request.starts_at + late
    ends_at = starts_at + length if length else service_request.ends_at + late
    return {"actual_starts_at": starts_at, "actual_ends_at": ends_at}


def report(service_request, *, by=None, at=None, outcome=Outcome.RENDERED, **fields):
    """Filed by the interpreter an hour after the end, present as booked unless said otherwise."""
    is_present = outcome not in (Outcome.CANCELLED, Outcome.CLAIM) and service_request.is_spoken
    given = (times(service_request) if is_present else {}) | fields
    return services.file(
        service_request,
        by=by or service_request.interpreter,
        at=at or service_request.ends_at + HOUR,
        outcome=outcome,
        **given,
    )


def provided(by=None, **fields):
    """A service rendered, with its « Détails de l'achèvement »."""
    made = make.reserved(by or make.alice(), **fields)
    report(made)
    return made


def row(made_at, **fields) -> dict:
    """A communication as a form sends it."""
    return {"made_at": made_at, "purpose": "confirmation"} | fields


def image(kind="JPEG", size=(60, 40), mode="RGB", **options) -> bytes:
    drawn = BytesIO()
    Image.new(mode, size, 200 if mode == "L" else None).save(drawn, kind, **options)
    return drawn.getvalue()


def pdf(pages=1, encrypt="", script="", embed=b"") -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    if script:
        action = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject(script)}
        writer.root_object[NameObject("/OpenAction")] = DictionaryObject(action)
    if embed:
        writer.add_attachment("outil.exe", embed)
    if encrypt:
        writer.encrypt(encrypt, algorithm="RC4-128")
    written = BytesIO()
    writer.write(written)
    return written.getvalue()


def upload(content: bytes | None = None, name="facture.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, image() if content is None else content)


def attach(service_request, *, by=None, at=None, content=None, name="facture.jpg", kind="parking_receipt"):
    who, when = by or service_request.interpreter, at or service_request.ends_at + HOUR
    return services.attach(service_request, upload(content, name), by=who, at=when, kind=kind)
