"""News of our text messages, from their provider."""

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts import outcomes, sms


@csrf_exempt
@login_not_required
@require_POST
def sms_status(request, token):
    """Twilio says what became of a message (C9): forged, 403; unknown, late or repeated, 204 and no effect."""
    if not sms.is_genuine(request):
        raise PermissionDenied
    said = (request.POST.get(name, "") for name in ("MessageSid", "MessageStatus", "ErrorCode"))
    outcomes.news(token, *said)
    return HttpResponse(status=204)
