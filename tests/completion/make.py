"""Reports as Alice files them, and files as people choose them."""

import uuid
from datetime import timedelta
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from completion import services, signatures
from completion.models import Completion, CompletionRevision, Outcome
from requests_app.models import ServiceRequest
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


def image(kind="JPEG", size=(60, 40), mode="RGB", colour=None, **options) -> bytes:
    drawn = BytesIO()
    Image.new(mode, size, 200 if mode == "L" else colour).save(drawn, kind, **options)
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


def signed(service_request, *, by=None, at=None, signer="interpreter", name="Alice", drawing=True, revision=1):
    """A report signed, drawn unless said otherwise."""
    drawn = upload(image("PNG", mode="RGB"), "signature.png") if drawing is True else drawing or None
    who, when = by or service_request.interpreter, at or service_request.ends_at + 2 * HOUR
    given = {"signer": signer, "name": name, "drawing": drawn, "revision": revision}
    return signatures.sign(service_request, by=who, at=when, **given)


def copies(service_request, count: int, *, apart=timedelta(minutes=90)) -> list[ServiceRequest]:
    """The same filed request `count` times, each `apart` from the one before, with report, communications and files.

    Written in bulk: the verbs would take a minute for what a list of 2,000 needs.
    """
    report, made = service_request.completion, list(service_request.communications.all())
    later = [apart * number for number in range(1, count + 1)]
    rows = ServiceRequest.objects.bulk_create(
        _copy(service_request, starts_at=service_request.starts_at + wait, ends_at=service_request.ends_at + wait)
        for wait in later
    )
    reports = Completion.objects.bulk_create(
        _copy(
            report,
            service_request_id=row.pk,
            actual_starts_at=report.actual_starts_at + wait,
            actual_ends_at=report.actual_ends_at + wait,
        )
        for row, wait in zip(rows, later, strict=True)
    )
    first = report.revisions.first()
    CompletionRevision.objects.bulk_create(_copy(first, completion_id=one.pk, key=uuid.uuid4()) for one in reports)
    of_a_request = [*made, *service_request.attachments.all()]
    for one in of_a_request:
        type(one).objects.bulk_create(_copy(one, service_request_id=row.pk) for row in rows)
    return rows


def _copy(row, **changed):
    values = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key
    }
    return type(row)(**values | changed)
