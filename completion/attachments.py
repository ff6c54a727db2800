"""Files kept with a request: who may add or take back one, and until when."""

from contextlib import suppress
from datetime import datetime
from functools import partial

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from completion import uploads
from completion.models import Attachment
from requests_app.models import ServiceRequest
from requests_app.moves import verb
from requests_app.workflow import ASSIGNED, NotAllowed, Status

MAX_ATTACHMENTS = 10
FOLDER = Attachment._meta.get_field("file").upload_to


def may_attach(service_request: ServiceRequest, user: User, *, at: datetime) -> bool:
    """Interpreter or coordinator, from the start or the cancellation until Achevé (FAQ, « stationnement »)."""
    is_concerned = user.pk == service_request.interpreter_id or user.role == Role.COORDINATOR
    is_running = service_request.status in ASSIGNED and at >= service_request.starts_at
    is_open = is_running or service_request.status in (Status.PROVIDED, Status.CANCELLED)
    return service_request.interpreter_id is not None and is_concerned and is_open


def attach(service_request: ServiceRequest, upload: UploadedFile, *, by: User, at: datetime, kind: str) -> Attachment:
    """Keep a file with a request; the same file again is the same attachment.

    Raises Rejected (the file), NotAllowed (not theirs, closed, too many), Busy. What is refused leaves neither row nor
    file; a process killed between the two leaves files, which `completion.sweep` takes away.
    """
    # Asked again under the lock: this one spares reading a file for nothing. A full request says so after reading it,
    # since the same file again, whose answer the network lost, is no eleventh.
    _check_open(service_request, by, at)
    written = []
    try:
        accepted = uploads.accept(upload)
        attachment = Attachment(
            interpreter_id=service_request.interpreter_id,
            kind=kind,
            name=accepted.name,
            content_type=accepted.content_type,
            size=len(accepted.content),
            sha256=accepted.sha256,
            uploaded_by=by,
            uploaded_at=at,
        )
        # Whole before the row, and before the lock: a row never names a file that is not there yet.
        attachment.file = _write(accepted.stored_name, accepted.content, written)
        if accepted.thumbnail:
            attachment.thumbnail = _write(accepted.thumbnail_name, accepted.thumbnail, written)
        kept = _attach(service_request, attachment)
        if kept is attachment:
            written.clear()
        return kept
    except OSError as error:
        raise uploads.Rejected(uploads.Refusal.NOT_WRITTEN) from error
    finally:
        # Their names were drawn for this call alone: whatever is left of them belongs to nobody.
        for name in written:
            delete_quietly(name)


def _write(name: str, content: bytes, written: list[str]) -> str:
    path = f"{FOLDER}/{name}"
    written.append(path)
    return default_storage.save(path, ContentFile(content))


def delete_quietly(name: str) -> None:
    """Take a file away; one that cannot be now is taken by `completion.sweep`."""
    with suppress(OSError):
        default_storage.delete(name)


@verb
def _attach(service_request: ServiceRequest, attachment: Attachment) -> Attachment:
    """The row, or the one of the same file; raises NotAllowed, Busy."""
    # The lock decides between a file that comes and the validator who closes the request.
    service_request.lock()
    _check_open(service_request, attachment.uploaded_by, attachment.uploaded_at)
    held = service_request.attachments.current()
    if same := held.filter(sha256=attachment.sha256, kind=attachment.kind).first():
        return same
    if held.count() >= MAX_ATTACHMENTS:
        raise NotAllowed(f"Une demande porte au plus {MAX_ATTACHMENTS} pièces jointes.")
    attachment.pk = None  # another try's is gone with its transaction
    attachment.service_request, attachment.interpreter_id = service_request, service_request.interpreter_id
    attachment.save(force_insert=True)
    return attachment


@verb
def remove_attachment(service_request: ServiceRequest, attachment: Attachment, *, by: User, at: datetime) -> None:
    """Take a file back, until Achevé; the bytes go once the row's end is certain. Raises NotAllowed, Busy."""
    service_request.lock()
    _check_open(service_request, by, at)
    service_request.attachments.filter(pk=attachment.pk).delete()
    for name in filter(None, (attachment.file.name, attachment.thumbnail.name)):
        transaction.on_commit(partial(delete_quietly, name))


def _check_open(service_request, by, at) -> None:
    if not may_attach(service_request, by, at=at):
        raise NotAllowed("Les pièces jointes de cette demande ne peuvent plus changer.")
