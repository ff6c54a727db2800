"""Files kept with a request: who may add or take back one, and until when."""

from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from completion import uploads
from completion.models import Attachment
from requests_app.models import ServiceRequest
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

    Raises Rejected (the file), NotAllowed (not theirs, closed, too many). What is refused leaves neither row nor file.
    """
    accepted = uploads.accept(upload)
    try:
        return _attach(service_request, accepted, by=by, at=at, kind=kind)
    except BaseException as error:
        # Its name was drawn for this call alone: whatever was written of it belongs to nobody.
        default_storage.delete(f"{FOLDER}/{accepted.stored_name}")
        if isinstance(error, OSError):
            raise uploads.Rejected("Le fichier n’a pas pu être enregistré. Réessayez dans quelques minutes.") from error
        raise


@transaction.atomic
def _attach(service_request, accepted, *, by, at, kind) -> Attachment:
    _check_open(service_request, by, at)
    held = service_request.attachments.current()
    if same := held.filter(sha256=accepted.sha256, kind=kind).first():
        return same
    if held.count() >= MAX_ATTACHMENTS:
        raise NotAllowed(f"Une demande porte au plus {MAX_ATTACHMENTS} pièces jointes.")
    attachment = Attachment(
        service_request=service_request,
        interpreter_id=service_request.interpreter_id,
        kind=kind,
        name=accepted.name,
        content_type=accepted.content_type,
        size=len(accepted.content),
        sha256=accepted.sha256,
        uploaded_by=by,
        uploaded_at=at,
    )
    attachment.file.save(accepted.stored_name, ContentFile(accepted.content), save=False)
    attachment.save()
    return attachment


@transaction.atomic
def remove_attachment(service_request: ServiceRequest, attachment: Attachment, *, by: User, at: datetime) -> None:
    """Take a file back, until Achevé; the bytes go once the row's end is certain. Raises NotAllowed."""
    _check_open(service_request, by, at)
    name = attachment.file.name
    service_request.attachments.filter(pk=attachment.pk).delete()
    transaction.on_commit(lambda: default_storage.delete(name))


def _check_open(service_request, by, at) -> None:
    # The lock decides between a file that comes and the validator who closes the request.
    ServiceRequest.objects.select_for_update(no_key=True, of=("self",)).get(pk=service_request.pk)
    service_request.refresh_from_db(fields=["status", "interpreter", "starts_at"])
    if not may_attach(service_request, by, at=at):
        raise NotAllowed("Les pièces jointes de cette demande ne peuvent plus changer.")
