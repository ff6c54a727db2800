"""Keeping the files that came with a form: each by itself, the good ones stay and each bad one has its sentence."""

from dataclasses import dataclass, field

from completion import services, uploads
from completion.models import Attachment
from completion.uploads import Rejected
from requests_app.workflow import NotAllowed


@dataclass
class Sent:
    """What became of some files; `refusal` is why the request takes none any more."""

    kept: list[Attachment] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    refusal: NotAllowed | None = None


def keep(service_request, files, *, by, at, kind) -> Sent:
    """Attach the files one by one; « photo2.heic : … » says what is wrong with one of several."""
    sent = Sent()
    for upload in files:
        try:
            sent.kept.append(services.attach(service_request, upload, by=by, at=at, kind=kind))
        except Rejected as error:
            sent.errors.append(_named(upload, error) if len(files) > 1 else str(error))
        except NotAllowed as error:  # and so it is for those that follow
            sent.refusal = error
            sent.errors.append(str(error))
            break
    return sent


def _named(upload, error: Rejected) -> str:
    return f"{uploads.plain(upload.name)[:60]}\u00a0: {error}"
