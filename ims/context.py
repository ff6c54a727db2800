from django.conf import settings
from django.utils import timezone

from accounts import bank, banners, sessions
from ims.help.pages import answer_beside
from ims.navigation import entries


def site(request):
    """What every page shows: the menu of the role, the answer to this screen, the reminders, how to reach the BI."""
    user = getattr(request, "user", None)
    is_in = user is not None and user.is_authenticated
    return {
        "nav": entries(request),
        "help_page": answer_beside(request),
        "is_silenced": is_in and banners.is_silenced(user),
        "is_invited": is_in and banners.is_invited(user, timezone.now()),
        "session_left": sessions.seconds_left(request.session) if is_in else 0,
        "bi_phone": bank.PHONE,
        "bi_email": bank.EMAIL,
        "instance_id": settings.INSTANCE_ID,
        "is_demo": settings.DEMO,
    }
