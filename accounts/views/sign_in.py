"""Coming in: the password, then the code. Nothing opens before both (accounts/attempts.py)."""

from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import attempts, mfa, phones, returns, services, throttling, trust
from accounts.devices import SecondFactor
from accounts.forms import CodeForm, LoginForm, NewPasswordForm, RecoveryForm, TrustCodeForm
from accounts.throttling import Throttled, refused

OVER = (
    "Cette connexion n’est plus valable\u00a0: 10\u00a0minutes ont passé, ou le mot de passe du compte vient de "
    "changer. Recommencez, s’il vous plaît."
)
SENT = (SecondFactor.SMS, SecondFactor.EMAIL)
# The address says when a code comes from elsewhere than a message: « ?moyen=application ».
WORDS = {SecondFactor.APP: "application", mfa.RECOVERY: "recuperation"}


def public(*secrets: str):
    """A page of the sign-in: open to nobody in particular, kept by no browser; `secrets` never reach a report."""

    def decorate(view):
        checked = require_http_methods(["GET", "HEAD", "POST"])(view)
        return login_not_required(never_cache(sensitive_post_parameters(*secrets)(checked)))

    return decorate


def of_attempt(view):
    """Give the view the attempt of this browser; without one, back to the first page.

    A temporary password is replaced before anything else, whatever the address.
    """

    @wraps(view)
    def found(request):
        attempt = attempts.current(request)
        if attempt is None:
            return _over(request)
        if attempt.owes_password and request.path != reverse("accounts:new_password"):
            return redirect("accounts:new_password")
        return view(request, attempt)

    return found


def _over(request):
    """Nothing is under way here; or a form was sent twice, and its first post has brought the person in."""
    if request.method == "POST" and request.session.is_empty() and settings.SESSION_COOKIE_NAME in request.COOKIES:
        # An empty answer would take away the cookie that the first one gave: the browser itself says which it has.
        del request.COOKIES[settings.SESSION_COOKIE_NAME]
        return redirect(request.path)
    messages.info(request, OVER)
    return redirect("accounts:login")


# The password


@public("password")
def sign_in(request):
    if request.method != "POST":
        return render(request, "accounts/login.html", {"form": LoginForm(request)})
    form = LoginForm(request, request.POST)
    if not form.is_valid():
        return refused(render(request, "accounts/login.html", {"form": form}, status=422), form.throttled)
    attempt = attempts.begin(request, form.user, next_page=safe_next(request))
    return advance(request, attempt)


@login_not_required
@require_POST
def sign_out(request):
    """Open to everybody: a session that has ended, or owes a code, is left like another one."""
    logout(request)
    response = redirect("accounts:login")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@public("password", "again")
@of_attempt
def new_password(request, attempt):
    user = attempt.user
    if not attempt.owes_password:
        return redirect("accounts:protect")
    form = NewPasswordForm(user, request.POST or None)
    if request.method != "POST" or not form.is_valid():
        status = 200 if request.method != "POST" else 422
        return render(request, "accounts/new_password.html", {"form": form, "who": user}, status=status)
    services.choose_password(user, form.cleaned_data["password"], at=timezone.now())
    request.session.cycle_key()
    attempt.keep()
    return advance(request, attempt, is_first=True)


def advance(request, attempt, *, is_first: bool = False):
    """The next page of somebody whose password was right: what is missing, or the page they asked for.

    `is_first`: a password was just chosen, and the second factor is offered at once (FAQ, « dès votre première
    connexion »).
    """
    user, now = attempt.user, timezone.now()
    if attempt.owes_password:
        return redirect("accounts:new_password")
    if mfa.may_skip(user) and not is_first:
        return arrive(attempts.admit(request, attempt, at=now, by="mot de passe"))
    if attempt.has_none:
        return redirect("accounts:protect")
    usual = user.second_factor if user.second_factor in attempt.ways else attempt.ways[0]
    device = mfa.kept(_device(attempt, usual))
    if trust.is_trusted(request, user):
        return arrive(attempts.admit(request, attempt, at=now, by="appareil de confiance", device=device))
    return ask(request, attempt, usual, device)


def ask(request, attempt, method: str, device):
    """Go and type a code; one is sent, unless the person has it already. A pause is said on the next page."""
    if method not in SENT:
        attempt.keep(method=method)
        return redirect("accounts:code")
    try:
        send(request, attempt, method, device)
    except Throttled as error:
        messages.warning(request, str(error))
        # A first number has one way only; and its form sent twice must not forget the challenge the other one keeps.
        if not attempt.has_none:
            attempt.keep(method=attempt.get("method") or method)
    return redirect("accounts:code")


def arrive(address: str):
    # Not redirect(): it would take a word for the name of a page.
    return HttpResponseRedirect(address)


# The code


@public("code")
@of_attempt
def code(request, attempt):
    method, device = _way(request, attempt)
    if device is None:
        return arrive(attempt.next) if attempt.is_open and not attempt.has_none else redirect("accounts:protect")
    if request.method != "POST":
        return _code_page(request, attempt, method, device, _form_of(attempt, method)())
    if asked := request.POST.get("envoyer"):
        return _send_again(request, attempt, method, device, asked)
    form = _form_of(attempt, method)(request.POST)
    if not form.is_valid():
        return _code_page(request, attempt, method, device, form, status=422)
    return _check(request, attempt, method, device, form)


def send(request, attempt, method: str, device) -> None:
    """Have a code sent, which this browser alone may give back. Raises Throttled."""
    challenge = mfa.send_code(device, address=throttling.client_address(request))
    attempt.keep(method=method, challenge=challenge)


def _send_again(request, attempt, method: str, device, asked: str):
    form = _form_of(attempt, method)()
    destination = _device(attempt, asked) if asked in SENT else None
    if destination is None:
        return _code_page(request, attempt, method, device, form, status=422)
    try:
        send(request, attempt, asked, destination)
    except Throttled as error:
        return _code_page(request, attempt, method, device, form, throttled=error)
    return redirect("accounts:code")


def _check(request, attempt, method: str, device, form):
    try:
        verified = mfa.check_code(attempt.user, device, form.cleaned_data["code"], challenge=attempt.get("challenge"))
    except Throttled as error:
        return _code_page(request, attempt, method, device, form, throttled=error)
    if verified:
        return _come_in(request, attempt, method, verified, is_trusting=form.cleaned_data.get("trust", False))
    device = mfa.reread(device)
    if device is None:
        return redirect("accounts:code")
    device.user = attempt.user
    form.add_error("code", mfa.why_refused(device))
    return _code_page(request, attempt, method, device, form, status=422)


def _come_in(request, attempt, method: str, device, *, is_trusting: bool):
    now, is_new = timezone.now(), not device.confirmed
    if is_new:
        device = mfa.confirm_number(device, at=now)
        attempt.user.refresh_from_db()
    factor = SecondFactor(method) if method != mfa.RECOVERY else None
    by = factor.label if factor else "code de récupération"
    response = arrive(attempts.admit(request, attempt, at=now, by=by, device=device, factor=factor))
    if is_new:
        messages.success(request, "Votre numéro est confirmé\u00a0: votre compte est maintenant protégé par un code.")
    if is_trusting and trust.may_trust(attempt.user):
        trust.trust(request, response, attempt.user, at=now)
    return response


def _way(request, attempt) -> tuple:
    """The way of proving of this page and its device: that of the address, else the last asked, else the strongest."""
    asked = [way for way, word in WORDS.items() if word == request.GET.get("moyen")]
    possible = [*asked, attempt.get("method"), *attempt.ways, SecondFactor.SMS]
    found = ((way, _device(attempt, way)) for way in possible)
    return next(((way, device) for way, device in found if device), (None, None))


def _device(attempt, method: str):
    """The device of a way that is allowed; a first number awaits its code, and only by SMS."""
    user = attempt.user
    if attempt.has_none:
        return mfa.awaited_number(user) if method == SecondFactor.SMS else None
    if attempt.is_open or method not in attempt.ways:
        return None
    return attempt.recovery if method == mfa.RECOVERY else mfa.device_for(user, method)


def _form_of(attempt, method: str):
    if method == mfa.RECOVERY:
        return RecoveryForm
    return TrustCodeForm if trust.may_trust(attempt.user) and not attempt.is_open else CodeForm


def _code_page(request, attempt, method: str, device, form, *, status: int = 200, throttled: Throttled | None = None):
    user, is_first, is_sent = attempt.user, attempt.has_none, method in SENT
    # Said once: what refused this very post, or what would refuse the next one.
    refusal = mfa.refusal_of_code(user, method)
    is_pause = refusal is not None and refusal.limit == throttling.CODE_PAUSE
    context = {
        "form": form,
        "method": method,
        "throttled": throttled or "",
        "is_first": is_first,
        "is_open": attempt.is_open,
        "others": [] if is_first else [way for way in attempt.ways if way != method],
        "destination": _masked(method, device.destination) if is_sent else "",
        "is_asked": is_sent and device.challenge != "" and device.challenge == attempt.get("challenge"),
        "has_failed": is_sent and mfa.has_failed(device),
        "has_stopped": method == SecondFactor.SMS and user.sms_stopped_at is not None,
        "wait": refusal.seconds if is_pause else 0,
        "is_spent": refusal is not None and not is_pause,
        "spent": refusal if refusal and not is_pause and not throttled else "",
        "refuses_email": bool(user.reset_at and user.email) and not user.is_bi_staff,
    }
    return refused(render(request, "accounts/code.html", context, status=status), throttled)


def _masked(method: str, destination: str) -> str:
    """Enough to know where to look, and no more."""
    if method == SecondFactor.SMS:
        return phones.masked(destination)
    name, _, domain = destination.partition("@")
    return f"{name[:1]}•••@{domain}"


def safe_next(request) -> str:
    return returns.ours(request, request.GET.get("next", "/"))
