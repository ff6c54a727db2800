"""The second factor, for the first time or a stronger one: a number, an application, its recovery codes."""

from base64 import b32encode
from urllib.parse import urlencode

import segno
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import attempts, mfa, phones, self_service, services, sessions
from accounts.devices import SecondFactor
from accounts.forms import CodeForm, NumberForm
from accounts.profile_forms import AskedNumberForm, CurrentPassword
from accounts.throttling import Throttled, refused
from accounts.views.sign_in import arrive, ask, of_attempt, public, safe_next

# A number


@public("current_password")
@of_attempt
def protect(request, attempt):
    user = attempt.user
    if elsewhere := _elsewhere(attempt):
        return redirect(elsewhere)
    if "plus_tard" in request.POST and mfa.may_skip(user) and not attempt.is_open:
        return _postpone(request, attempt)
    form = _number_form(request, attempt) if mfa.may_choose_number(user) else None
    if request.method != "POST":
        return _protect_page(request, attempt, form)
    if not (user.mobile_phone or (form and form.is_valid())):
        return _protect_page(request, attempt, form, status=422)
    return _confirm(request, attempt, form.cleaned_data["number"] if form else "")


def _number_form(request, attempt):
    given = request.POST if request.method == "POST" else None
    return NumberForm(given) if _is_known(request, attempt) else AskedNumberForm(request, given)


def _is_known(request, attempt) -> bool:
    """Whoever finds an open session must not make it theirs: the password again, unless it was just given."""
    return not attempt.is_open or sessions.is_recent(request.session)


def _elsewhere(attempt) -> str:
    """Where somebody goes who has nothing to do on the page of the first number."""
    if attempt.has_none:
        return ""
    return "accounts:profile" if attempt.is_open else "accounts:code"


def _postpone(request, attempt):
    now = timezone.now()
    self_service.snooze(attempt.user, at=now)
    return arrive(attempts.admit(request, attempt, at=now, by="mot de passe"))


def _confirm(request, attempt, number: str):
    """Send the first code; the application, if it was asked for, comes once the number is confirmed."""
    if "application" in request.POST:
        attempt.keep(next=f"{reverse('accounts:app')}?{urlencode({'next': attempt.next})}")
    return ask(request, attempt, SecondFactor.SMS, mfa.await_number(attempt.user, number))


def _protect_page(request, attempt, form, *, status: int = 200):
    user = attempt.user
    context = {
        "form": form,
        "number": phones.masked(user.mobile_phone),
        "is_open": attempt.is_open,
        "is_reset": bool(user.reset_at),
        "is_staff_account": user.is_bi_staff,
        "may_skip": mfa.may_skip(user) and not attempt.is_open,
        "may_add_app": mfa.may_add_app(user, is_open=attempt.is_open),
    }
    return render(request, "accounts/protect.html", context, status=status)


# An application


@public("code", "current_password")
@of_attempt
def app(request, attempt):
    if not mfa.may_add_app(attempt.user, is_open=attempt.is_open):
        return redirect("accounts:protect")
    device = mfa.awaited_app(attempt.user)
    if request.method != "POST":
        return _app_page(request, attempt, device, CodeForm() if device else _password_form(request, attempt))
    return _install(request, attempt, device) if device and "code" in request.POST else _begin(request, attempt)


def _password_form(request, attempt, data=None):
    return None if _is_known(request, attempt) else CurrentPassword(request, data)


def _begin(request, attempt):
    form = _password_form(request, attempt, request.POST)
    if form and not form.is_valid():
        return _app_page(request, attempt, None, form, status=422)
    mfa.begin_app(attempt.user)
    attempt.keep()
    return redirect(request.get_full_path())


def _install(request, attempt, device):
    form = CodeForm(request.POST)
    if not form.is_valid():
        return _app_page(request, attempt, device, form, status=422)
    try:
        verified = mfa.check_code(attempt.user, device, form.cleaned_data["code"])
    except Throttled as error:
        form.add_error("code", str(error))
        return refused(_app_page(request, attempt, device, form), error)
    if verified is None:
        form.add_error("code", "Code incorrect. Vérifiez l’heure de votre téléphone, puis écrivez le code affiché.")
        return _app_page(request, attempt, device, form, status=422)
    return _installed(request, attempt, verified)


def _installed(request, attempt, device):
    """In, with the recovery codes in the answer itself: kept nowhere, they are read this once."""
    now, following = timezone.now(), safe_next(request) if attempt.is_open else ""
    mfa.confirm_app(device)
    app = SecondFactor.APP
    asked = attempts.admit(request, attempt, at=now, by=app.label, device=device, factor=app)
    services.end_sessions(attempt.user, keep=request.session.session_key)
    codes = mfa.renew_recovery(attempt.user, at=now)
    return render(
        request, "accounts/recovery_codes.html", {"codes": codes, "next": following or asked, "is_new_app": True}
    )


def _app_page(request, attempt, device, form, *, status: int = 200):
    context = {"form": form, "is_open": attempt.is_open, "key": "", "drawing": ""}
    if device:
        key = b32encode(device.bin_key).decode()
        context["key"] = " ".join(key[start : start + 4] for start in range(0, len(key), 4))
        context["drawing"] = _qr(device.config_url)
    return render(request, "accounts/app.html", context, status=status)


def _qr(content: str) -> str:
    """An SVG with neither style nor script: always dark on white, so that a camera reads it at night too."""
    drawn = segno.make(content, error="m", micro=False)
    return mark_safe(  # noqa: S308 (squares: no letter of `content` is in it)
        drawn.svg_inline(border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True)
    )


# Recovery codes


@never_cache
@sensitive_post_parameters("current_password")
@require_http_methods(["GET", "HEAD", "POST"])
def recovery_codes(request):
    user = request.user
    if not user.second_factor:
        return redirect("accounts:protect")
    form = CurrentPassword(request, request.POST or None)
    if request.method != "POST" or not form.is_valid():
        known = mfa.recovery_of(user)
        context = {"form": form, "codes": [], "left": known.codes.count() if known else 0}
        return render(request, "accounts/recovery_codes.html", context, status=422 if form.errors else 200)
    codes = mfa.renew_recovery(user, at=timezone.now())
    context = {"codes": codes, "next": reverse("accounts:profile"), "is_new_app": False}
    return render(request, "accounts/recovery_codes.html", context)
