"""« J'ai oublié mon mot de passe »: the same answer for every name, a link of one hour that serves once."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlsafe_base64_decode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts import self_service, services, throttling
from accounts.forms import NewPasswordForm
from accounts.models import User
from accounts.profile_forms import ForgottenForm


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request):
    form = ForgottenForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return render(request, "accounts/forgotten.html", {"form": form})
    if not form.is_valid():
        return render(request, "accounts/forgotten.html", {"form": form}, status=422)
    try:
        throttling.count(throttling.RESETS_FROM_ADDRESS, throttling.client_address(request))
    except throttling.Throttled as error:
        return throttling.refused(render(request, "accounts/forgotten.html", {"form": form, "throttled": error}), error)
    _ask(form.cleaned_data["username"])
    return redirect("accounts:forgotten_done")


def _ask(username: str) -> None:
    """A name asked too often is answered like the others, and nothing leaves."""
    try:
        throttling.count(throttling.RESETS_OF_ACCOUNT, username)
    except throttling.Throttled:
        return
    self_service.ask_reset(username, at=timezone.now())


@login_not_required
@never_cache
@require_safe
def forgotten_done(request):
    return render(request, "accounts/forgotten_done.html")


@login_not_required
@never_cache
@sensitive_post_parameters()
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def reset(request, uid, token):
    """410 for a link that expired, was used, or never was: nobody learns which."""
    # Locked while it is used: a link pressed twice at once serves once.
    user = _owner(uid, token, lock=request.method == "POST")
    form = NewPasswordForm(user, request.POST if request.method == "POST" else None)
    if user is None:
        response = render(request, "accounts/reset.html", {"is_dead": True}, status=410)
    elif request.method == "POST" and form.is_valid():
        services.reset_password(user, form.cleaned_data["password"], at=timezone.now())
        messages.success(request, "Votre mot de passe est changé. Connectez-vous avec le nouveau.")
        response = redirect("accounts:login")
    else:
        status = 422 if request.method == "POST" else 200
        response = render(request, "accounts/reset.html", {"form": form}, status=status)
    # The address of this page opens the account: it never leaves in a Referer. « no-referrer » would also take the
    # Origin away from the form, and the form would be refused.
    response["Referrer-Policy"] = "strict-origin"
    return response


def _owner(uid: str, token: str, *, lock: bool) -> User | None:
    people = User.objects.select_for_update() if lock else User.objects
    try:
        user = people.filter(pk=int(urlsafe_base64_decode(uid)), is_active=True).first()
    except ValueError:
        return None
    return user if user and default_token_generator.check_token(user, token) else None
