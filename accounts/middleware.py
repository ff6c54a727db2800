from django.contrib.auth.middleware import AuthenticationMiddleware as DjangoAuthenticationMiddleware
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject
from django_htmx.http import HttpResponseClientRedirect
from django_otp import DEVICE_ID_SESSION_KEY

from accounts import returns, sessions
from accounts.throttling import Throttled, refused


def to_sign_in(request):
    """To the sign-in page, and then back to the page where the person was."""
    here = returns.page_of(request)
    answer = redirect_to_login(here) if here else redirect("accounts:login")
    # A script would put the sign-in page inside the one it asked a part of.
    return HttpResponseClientRedirect(answer.url) if "HX-Request" in request.headers else answer


class AuthenticationMiddleware(DjangoAuthenticationMiddleware):
    """Django's own; the session and its person are read in one statement."""

    def process_request(self, request):
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: sessions.user_of(request))


class SignedInMiddleware(LoginRequiredMiddleware):
    """Django's own: every page needs a session but those that say otherwise."""

    def handle_no_permission(self, request, view_func):
        return to_sign_in(request)


# What a page asks by itself, with nobody at its side.
BY_ITSELF = "X-Refresh"


class RenewalMiddleware:
    """Keeps the session of somebody at work alive, within its 12 hours; a board left open is nobody at work."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.user.is_authenticated and BY_ITSELF not in request.headers:
            sessions.renew_if_half_spent(request.session)
        return self.get_response(request)


class SecondFactorMiddleware:
    """Closes every page to a signed-in person who owes a second factor; public views stay open."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        is_public = not getattr(view, "login_required", True)
        # The session says it without a query: whoever removes a device ends the sessions it opened.
        if is_public or not request.user.must_verify or DEVICE_ID_SESSION_KEY in request.session:
            return None
        return to_sign_in(request)


class ThrottledMiddleware:
    """« Trop d'essais »: 429 with the wait, for a page that does not say it itself."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if isinstance(exception, Throttled):
            return refused(render(request, "errors/429.html", {"throttled": exception}), exception)
