"""« Profil de l'utilisateur »: what a person sees and changes of their own account."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import keyset, mfa, phones, returns, self_service, services, sessions, throttling
from accounts.devices import Channel, CodeDevice
from accounts.forms import CodeForm
from accounts.models import Session
from accounts.profile_forms import CONTACT_FORMS, FactorForm, NotificationsForm, PasswordForm, ShortcutsForm
from accounts.roles import Role

CONTACT = "contact"


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request):
    form = NotificationsForm(request.user, _typed(request))
    if request.method != "POST":
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, status=422)
    self_service.choose_notifications(request.user, **form.cleaned_data)
    messages.success(request, "Vos choix de notifications sont sauvegardés.")
    return redirect("accounts:profile")


@require_POST
def choose_factor(request):
    """Where the next codes go; the person has given a second factor to be here."""
    form = FactorForm(request.user, request.POST)
    if not form.is_valid():
        return _page(request, NotificationsForm(request.user), status=422, factor_form=form)
    factor = form.cleaned_data["factor"]
    services.choose_factor(request.user, factor, at=timezone.now(), keep=request.session.session_key)
    messages.success(request, f"Vos prochains codes\u00a0: {factor.label}.")
    return redirect("accounts:profile")


@require_POST
def shortcuts(request):
    """« Raccourcis clavier »: for the people of the board."""
    if request.user.role != Role.COORDINATOR:
        raise PermissionDenied
    form = ShortcutsForm(request.POST)
    is_on = form.is_valid() and form.cleaned_data["uses_shortcuts"]
    self_service.choose_shortcuts(request.user, uses_shortcuts=is_on)
    messages.success(request, f"Les raccourcis clavier sont {'activés' if is_on else 'désactivés'}.")
    return redirect("accounts:profile")


def _shortcuts(user) -> ShortcutsForm | None:
    is_concerned = user.role == Role.COORDINATOR
    return ShortcutsForm(initial={"uses_shortcuts": user.uses_shortcuts}) if is_concerned else None


def _page(request, form, *, status=200, factor_form=None):
    user, now = request.user, timezone.now()
    choices = factor_form or FactorForm(user)
    context = {
        "form": form,
        "mobile": phones.written(user.mobile_phone),
        "languages": _languages(user),
        "institution": _institution(user),
        "shortcuts_form": _shortcuts(user),
        "factor_form": choices if user.second_factor and len(choices.fields["factor"].choices) > 1 else None,
        "recovery_codes": _recovery_codes(user),
        "browsers": user.trusted_browsers.filter(expires_at__gt=now),
        "sessions": _sessions(request, now),
    }
    return render(request, "accounts/profile.html", context, status=status)


# What a person proves again before it changes


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request):
    form = PasswordForm(request, _typed(request))
    try:
        if request.method == "POST" and form.is_valid():
            return _password_changed(request, form.cleaned_data["password"])
    except throttling.Throttled as error:
        return _asked(request, "accounts/change_password.html", throttled=error, form=form)
    return _asked(request, "accounts/change_password.html", form=form)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def change_contact(request):
    """« ?moyen=sms » or « ?moyen=email »: one at a time, each confirmed by its own code."""
    channel, user = _channel(request), request.user
    if channel == Channel.SMS and user.mobile_phone and not user.second_factor:
        return _confirm_first(request)
    form = CONTACT_FORMS[channel](request, _typed(request))
    current = phones.written(user.mobile_phone if channel == Channel.SMS else user.email)
    try:
        if request.method == "POST" and form.is_valid():
            return _code_sent(request, channel, form.cleaned_data["address"])
    except throttling.Throttled as error:
        return _asked(request, "accounts/change_contact.html", throttled=error, form=form, current=current)
    return _asked(request, "accounts/change_contact.html", form=form, current=current)


@require_http_methods(["GET", "HEAD", "POST"])
def confirm_contact(request):
    """The code sent to the new number or address; « Renvoyer le code » sends another one."""
    device = _awaited(request)
    if device is None:
        return redirect("accounts:profile")
    form = CodeForm(_typed(request))
    shown = {"form": form, "device": device, "sent_to": phones.written(device.address)}
    try:
        if "renvoyer" in request.POST:
            return _code_sent(request, device.channel, device.address)
        if request.method == "POST" and form.is_valid():
            return _answered(request, device, shown)
    except throttling.Throttled as error:
        # Nothing is wrong with what was typed.
        return _asked(request, "accounts/confirm_contact.html", throttled=error, **shown | {"form": CodeForm()})
    return _asked(request, "accounts/confirm_contact.html", **shown)


def _confirm_first(request):
    """The password alone must not replace a number that was never confirmed (0.18)."""
    context = {"form": None, "throttled": None, "current": phones.written(request.user.mobile_phone)}
    status = 409 if request.method == "POST" else 200
    return render(request, "accounts/change_contact.html", context, status=status)


def _typed(request):
    return request.POST if request.method == "POST" else None


def _asked(request, template, *, throttled=None, **context):
    """The page again, with what was wrong (422) or how long to wait (429)."""
    status = 422 if request.method == "POST" else 200
    return throttling.refused(render(request, template, {"throttled": throttled, **context}, status=status), throttled)


def _password_changed(request, password: str):
    services.choose_password(request.user, password, at=timezone.now(), keep=request.session.session_key)
    update_session_auth_hash(request, request.user)
    messages.success(request, "Votre mot de passe est changé. Vos autres sessions sont fermées.")
    return redirect("accounts:profile")


def _channel(request) -> Channel:
    try:
        return Channel(request.GET.get("moyen", Channel.SMS))
    except ValueError as error:
        raise Http404 from error


def _code_sent(request, channel: str, address: str):
    client = throttling.client_address(request)
    device, challenge = self_service.ask_contact(request.user, channel, address, client=client)
    request.session[CONTACT] = {"device": device.pk, "challenge": challenge}
    messages.success(request, f"Un code est en route vers {phones.written(address)}.")
    return redirect("accounts:confirm_contact")


def _awaited(request) -> CodeDevice | None:
    pk = request.session.get(CONTACT, {}).get("device")
    return CodeDevice.objects.filter(pk=pk, user=request.user, confirmed=False).first()


def _answered(request, device, shown):
    form, challenge = shown["form"], request.session[CONTACT]["challenge"]
    if mfa.check_code(request.user, device, form.cleaned_data["code"], challenge=challenge):
        return _contact_changed(request, device)
    device = mfa.reread(device)
    if device is None:
        return redirect("accounts:profile")
    form.add_error("code", mfa.why_refused(device))
    return _asked(request, "accounts/confirm_contact.html", **shown)


def _contact_changed(request, device):
    self_service.confirm_contact(device, at=timezone.now(), keep=request.session.session_key)
    del request.session[CONTACT]
    messages.success(request, "Vos coordonnées sont changées. Vos autres sessions sont fermées.")
    return redirect("accounts:profile")


# Where the account is open


@require_POST
def end_session(request):
    """« Fermer » one of the other sessions; whose key is never on a page."""
    mark = request.POST.get("session", "")
    others = request.user.sessions.exclude(session_key=request.session.session_key)
    found = next((row for row in others if constant_time_compare(_mark(row.session_key), mark)), None)
    if found is None:
        raise Http404
    found.delete()
    messages.success(request, "La session est fermée.")
    return redirect("accounts:profile")


@require_POST
def end_other_sessions(request):
    self_service.end_other_sessions(request.user, at=timezone.now(), keep=request.session.session_key)
    messages.success(request, "Vos autres sessions sont fermées et vos appareils de confiance sont oubliés.")
    return redirect("accounts:profile")


@require_POST
def forget_browser(request):
    get_object_or_404(request.user.trusted_browsers, pk=keyset.number(request.POST.get("appareil", ""))).delete()
    messages.success(request, "Cet appareil devra de nouveau donner un code.")
    return redirect("accounts:profile")


@require_POST
def snooze(request):
    """« Plus tard » on the invitation to protect the account."""
    self_service.snooze(request.user, at=timezone.now())
    return HttpResponseRedirect(returns.ours(request, request.POST.get("next", "/")))


@require_POST
def stay(request):
    """« Rester connecté »: 204, and how many seconds are left now."""
    sessions.renew(request.session)
    return HttpResponse(status=204, headers={"X-Session-Left": str(sessions.seconds_left(request.session))})


def _mark(session_key: str) -> str:
    return salted_hmac("accounts.session", session_key, algorithm="sha256").hexdigest()


def _sessions(request, now) -> list[dict]:
    """The open sessions, this one first."""
    rows = Session.objects.filter(user=request.user, expire_date__gt=now)
    described = [
        {
            "mark": _mark(row.session_key),
            "label": row.label,
            "signed_in_at": row.signed_in_at,
            "last_used_at": sessions.last_used_at(row),
            "is_current": row.session_key == request.session.session_key,
        }
        for row in rows
    ]
    return sorted(described, key=lambda session: not session["is_current"])


def _languages(user) -> list[str]:
    known = getattr(user, "interpreter_profile", None)
    return [language.name for language in known.languages.all()] if known else []


def _institution(user):
    known = getattr(user, "interpreter_profile", None)
    return known.home_institution if known else user.institution


def _recovery_codes(user) -> int:
    device = mfa.recovery_of(user)
    return device.codes.count() if device else 0
