"""Who opens the report of a request and its files, and how much they may send at once."""

from functools import wraps

from django.core.exceptions import PermissionDenied, TooManyFilesSent
from django.http import FileResponse, Http404
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from accounts.roles import Role
from completion import uploads
from completion.attachments import MAX_ATTACHMENTS
from requests_app.views.access import load

# Ten files as heavy as they may be (they go to temporary files, not to memory), and one more: a single one over the
# limit is refused beside its field with the rest kept. Beyond, nothing is read at all.
MAX_BODY = (MAX_ATTACHMENTS + 1) * uploads.MAX_BYTES


def limited(view):
    """413 before the body is read: the token's check reads it, so that check comes after the size's.

    A body of very many files is left at the first one too many (DATA_UPLOAD_MAX_NUMBER_FILES).
    """
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def measured(request, *args, **kwargs):
        try:
            if _is_small(request.META.get("CONTENT_LENGTH") or "0"):
                return protected(request, *args, **kwargs)
        except TooManyFilesSent:
            pass
        return render(request, "errors/413.html", status=413)

    return measured


def _is_small(length: str) -> bool:
    # Python reads no number of more than 4,300 figures; none of more than ten is small.
    return length.isdecimal() and len(length) <= 10 and int(length) <= MAX_BODY


def load_report(request, number):
    """The request, for its interpreter and the BI: a requester or the holder of an offer has no part in its report."""
    service_request, user = load(request, number), request.user
    may_write = user.pk == service_request.interpreter_id or user.role == Role.COORDINATOR
    may_read = may_write or user.role == Role.VALIDATOR
    if not (may_write if request.method == "POST" else may_read):
        raise PermissionDenied("Les détails de l’achèvement sont remplis par l’interprète.")
    return service_request


def served(file, content_type, **how) -> FileResponse:
    """The bytes of somebody's file: read as what they are said to be, run nothing, kept by nobody; 404 when lost."""
    try:
        stored = file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    response = FileResponse(stored, content_type=content_type, **how)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response
