"""Who signed a report: a name typed and confirmed, or a drawing (ruling 7: optional since mid-January 2025)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.french import hour, short_date
from accounts.models import User
from completion import uploads
from completion.attachments import delete_quietly
from completion.models import Completion, Signature
from completion.services import may_file
from requests_app.masking import Hide, eraser_for, masked
from requests_app.models import ServiceRequest
from requests_app.moves import verb
from requests_app.sheet import may_see_patient
from requests_app.workflow import ASSIGNED, NotAllowed, Status

FOLDER = Signature._meta.get_field("drawing").upload_to
Signer = Signature.Signer


def is_signable(service_request: ServiceRequest) -> bool:
    """A service somebody came for, even in vain; nobody did when the BI had cancelled it, and a relay is a message."""
    is_reported = service_request.status == Status.CANCELLED and service_request.notice_received_at is None
    return service_request.is_spoken and (is_reported or service_request.status in (*ASSIGNED, Status.PROVIDED))


def may_sign(service_request: ServiceRequest, user: User, *, at: datetime) -> bool:
    """Whoever may file or correct the report, until Achevé."""
    return is_signable(service_request) and may_file(service_request, user, at=at)


def sign(
    service_request: ServiceRequest,
    *,
    by: User,
    at: datetime,
    signer: str,
    name: str,
    revision: int,
    drawing: UploadedFile | None = None,
) -> Signature:
    """Sign the `revision` of the report that was shown, by the interpreter or by the professional.

    A second signature replaces the first, unless that one is of a later revision. `drawing` is a PNG, drawn again from
    its pixels like any image. Raises Rejected (the drawing), NotAllowed (not theirs, nothing filed, Achevé). What is
    refused leaves neither row nor file.
    """
    accepted = uploads.accept(drawing) if drawing else None
    if accepted and accepted.content_type != "image/png":
        raise uploads.Rejected("Signez dans le cadre, ou cochez la case.")
    path = f"{FOLDER}/{accepted.stored_name}" if accepted else ""
    is_kept = False
    try:
        if accepted:
            # Whole before the row, and before the lock.
            path = default_storage.save(path, ContentFile(accepted.content))
        signature = _sign(service_request, path, by=by, at=at, signer=signer, name=name, revision=revision)
        is_kept = signature.drawing.name == path
    except OSError as error:
        raise uploads.Rejected(uploads.Refusal.NOT_WRITTEN) from error
    finally:
        if path and not is_kept:
            delete_quietly(path)
    return signature


@verb
def _sign(service_request, path, *, by, at, signer, name, revision) -> Signature:
    service_request.lock()
    completion = Completion.objects.filter(service_request=service_request, revision__gte=max(revision, 1)).first()
    if completion is None or not may_sign(service_request, by, at=at):
        raise NotAllowed("Cette réalisation ne peut pas être signée.")
    signature = completion.signatures.filter(signer=signer).first() or Signature(completion=completion, signer=signer)
    is_later = signature.pk and signature.revision > revision
    if is_later or (not path and (signature.revision, signature.name, signature.by_id) == (revision, name, by.pk)):
        return signature
    if former := signature.drawing.name:
        transaction.on_commit(partial(delete_quietly, former))
    signature.name, signature.drawing, signature.revision = name, path, revision
    signature.by, signature.at = by, at
    signature.save()
    return signature


@dataclass(frozen=True)
class Signed:
    """One signature as a reader may see it: a professional's name is not theirs for longer than the request's is."""

    pk: int
    signer: str
    name: str
    has_drawing: bool
    when: str


def signed(
    signatures: Iterable[Signature],
    service_request: ServiceRequest,
    user: User,
    *,
    at: datetime,
    hide: Hide | None = None,
) -> list[Signed]:
    """The signatures of a report for one reader, the interpreter's first; no statement (domain, « Privacy »).

    The professional is named and drawn to whoever may see the patient; `hide`: what is hidden of the names besides.
    """
    is_named = may_see_patient(service_request, user, at=at)
    completion = service_request.completion if signatures else None
    hide = hide or eraser_for(service_request, user, at=at)
    known = str(service_request.interpreter)
    shown = [_read(row, completion, is_named or row.signer == Signer.INTERPRETER) for row in signatures]
    # An interpreter may have the name of a patient: they are named on the page already.
    return [row if row.name == known else masked(row, hide, "name") for row in shown]


def _read(row: Signature, completion: Completion, is_named: bool) -> Signed:
    when = f"signée le {short_date(row.at)}, {hour(row.at)}"
    if row.revision != completion.revision:
        when += f", avant la correction du {short_date(completion.updated_at)}"
    label = row.get_signer_display()
    return Signed(row.pk, label, row.name if is_named else "", bool(row.drawing) and is_named, when)
