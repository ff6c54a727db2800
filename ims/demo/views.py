"""The pages of a demo, open to anybody: who is who, a session without a password, and what people received."""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import attempts, mfa
from accounts.views import sign_in
from ims.demo import outbox as letters
from ims.demo import people, welcome


@login_not_required
@never_cache
@require_safe
def index(request):
    """« Qui est qui »: the first page of a demo."""
    invited = people.username(people.INVITED)
    context = {"cards": welcome.cards(at=timezone.now()), "password": people.PASSWORD}
    context |= {"invited": people.INVITED, "invited_username": invited}
    return render(request, "demo/index.html", context)


@login_not_required
@never_cache
@require_POST
def enter(request, username):
    """« Entrer comme … »: the session that a password and a code would have opened; the former one ends.

    Who owes a new password, or a first code, goes and gives it as anybody does.
    """
    # Its address exists in a demo alone (ims/urls.py); a session without a password is refused twice.
    user = welcome.visitors().get(username) if settings.DEMO else None
    if user is None:
        raise Http404
    attempt = attempts.begin(request, user, next_page="/")
    device = _proof(attempt)
    if attempt.owes_password or (user.must_verify and device is None):
        return sign_in.advance(request, attempt)
    return sign_in.arrive(attempts.admit(request, attempt, at=timezone.now(), by="démo", device=device))


def _proof(attempt):
    """What would have received the code; None for who has no second factor."""
    methods = mfa.methods(attempt.user)
    return mfa.kept(mfa.device_for(attempt.user, methods[0])) if methods else attempt.recovery


@login_not_required
@never_cache
@require_safe
def outbox(request):
    """« Boîte d'envoi (démo) »: what people would have received, without signing in."""
    recipient = request.GET.get("destinataire", "").strip()[:100]
    found, before = letters.read(recipient=recipient, before=request.GET.get("avant", ""))
    older = urlencode({"destinataire": recipient, "avant": before}) if before else ""
    is_first = "avant" not in request.GET
    context = {"letters": found, "recipient": recipient, "older": older, "is_first": is_first}
    return render(request, "demo/outbox.html", context)
