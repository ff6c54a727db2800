"""The page that a signed link of an offer opens: read by who holds the link, answered by a POST alone."""

from datetime import timedelta
from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from requests_app import answers, offers
from requests_app.moves import Stale
from requests_app.sheet import sheet
from requests_app.views.access import seen_version, typed_reason, why_not
from requests_app.workflow import ACTION_HELP, NotAllowed

# The page shows nobody's session: neither a name nor a menu, whoever is signed in on this browser.
_NOBODY = {"user": AnonymousUser(), "nav": [], "is_silenced": False, "is_invited": False, "session_left": 0}
# What a link that answers no more says: its page, the status of a reading and that of an action.
_CLOSED = {
    "accepted": ("requests_app/answer_accepted.html", 200, 409),
    "refused": ("requests_app/answer_refused.html", 200, 409),
    "gone": ("requests_app/answer_gone.html", 410, 410),
}

FRESH = timedelta(minutes=10)


def _unlisted(view):
    """Kept by no browser nor proxy, found by no search engine, and named in no Referer."""

    @wraps(view)
    def run(request, *args, **kwargs):
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return run


# The key is what authorises: a form of another site would have to know it. Without Referer nor Origin, as this page
# has it, Django's own check would refuse the form; and browsers inside a mail program often keep no cookie.
@csrf_exempt
@login_not_required
@sensitive_variables("key")
@_unlisted
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request, offer, key):
    """200 while the offer waits, 410 once it does not; a POST answers it, at the version shown, once."""
    found = _load(request, offer, key)
    if over := answers.outcome(found, at=timezone.now()):
        return _closed(request, found, over)
    if request.method != "POST":
        return _page(request, found)
    verb = {"accepter": _accept, "refuser": _refuse}.get(request.POST.get("action"))
    if verb is None:
        return _page(request, found, status=422, message="Choisissez Accepter ou Refuser.")
    try:
        verb(request, found)
    except NotAllowed as error:
        return _not_answered(request, answers.find(offer, key), error)
    return redirect(request.path)


def _load(request, pk: int, key: str):
    """The offer of a link; 404 for any other key, 403 when somebody else is signed in here."""
    found = answers.find(pk, key)
    if found is None:
        raise Http404
    if request.user.is_authenticated and request.user.pk != found.interpreter_id:
        raise PermissionDenied
    return found


def _accept(request, offer):
    version = seen_version(request)
    offers.accept(offer.service_request, by=offer.interpreter, at=timezone.now(), version=version, by_link=True)


def _refuse(request, offer):
    reason = typed_reason(request)
    offers.refuse(offer.service_request, by=offer.interpreter, at=timezone.now(), reason=reason, by_link=True)


def _not_answered(request, offer, error: NotAllowed):
    """409, nothing written: closed meanwhile, or still open and shown as it now is."""
    if over := answers.outcome(offer, at=timezone.now()):
        return _closed(request, offer, over)
    again = " Vérifiez-la, puis répondez." if isinstance(error, Stale) else ""
    return _page(request, offer, status=409, message=f"{why_not(error, offer.interpreter)}{again}")


def _page(request, offer, *, status=200, message=""):
    at, service_request = timezone.now(), offer.service_request
    context = {
        "offer": offer,
        "service_request": service_request,
        "sheet": sheet(service_request, offer.interpreter, at=at),
        "help": {action.value: text for action, text in ACTION_HELP.items()},
        "message": message,
    }
    return render(request, "requests_app/answer.html", context | _NOBODY, status=status)


def _is_fresh(offer) -> bool:
    """Whether the page just before showed what a person has answered: said again, it tells them nothing more."""
    return offer.closed_at is not None and timezone.now() - offer.closed_at < FRESH


def _closed(request, offer, over: answers.Outcome):
    """What was answered, or why it can no longer be; of the request, what they have just answered for."""
    template, read, acted = _CLOSED[over.kind]
    context = {"service_request": offer.service_request, "reason": over.reason, "is_fresh": _is_fresh(offer)}
    return render(request, template, context | _NOBODY, status=acted if request.method == "POST" else read)
