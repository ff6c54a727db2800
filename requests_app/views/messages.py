"""The threads of a request, the FAQ's compose panel, and the urgent withdrawal."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import keyset
from accounts.french import day_and_month
from accounts.roles import Role
from requests_app import exchanges
from requests_app.forms import ComposeForm, MessageForm
from requests_app.models import Purpose
from requests_app.views.access import load, only, refused
from requests_app.views.requests import decline_form, page, urgent_form, written
from requests_app.views.threads import MOST_NEW, thread_named, threads
from requests_app.workflow import NotAllowed


def shown_as_new(request) -> list[int]:
    """The messages that the page showed as new; none on a thread nobody was shown."""
    texts = request.POST.get("shown", "").split(",", MOST_NEW)[:MOST_NEW]
    return [number for number in map(keyset.number, texts) if number]


def _own_threads(service_request, user):
    """Raises PermissionDenied for whoever sees the request and has no thread in it."""
    found = threads(service_request, user)
    if not found:
        raise PermissionDenied
    return found


@require_POST
def post(request, number):
    """A message to the side its form names; whoever lost the request meanwhile does not read it."""
    service_request = load(request, number)
    found = _own_threads(service_request, request.user)
    thread = thread_named(found, request.POST.get("to", ""))
    if thread is None or thread.is_closed:
        return refused(request, service_request, NotAllowed(exchanges.LOST))
    thread.form = MessageForm(request.POST, purpose=f"message{thread.key}", label=thread.label)
    if not thread.form.is_valid():
        return page(request, service_request, status=422, threads=found, form=thread.form)
    given = {"body": thread.form.cleaned_data["body"], "interpreter": thread.side, "shown": shown_as_new(request)}
    return written(request, service_request, exchanges.post_message, "Message envoyé.", **given)


@require_POST
def read(request, number):
    """« Marquer comme lu », or what read.js says when the thread was in view: the page then stays as it is (204)."""
    service_request = load(request, number)
    thread = thread_named(_own_threads(service_request, request.user), request.POST.get("thread", ""))
    if thread is None:
        raise Http404
    at, shown = timezone.now(), shown_as_new(request)
    exchanges.mark_read(service_request, by=request.user, at=at, interpreter=thread.side, shown=shown)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return redirect(reverse("requests:detail", args=[number]) + "#messages")


@require_http_methods(["GET", "HEAD", "POST"])
def compose(request, number):
    """« Cliquer sur l'icône pour afficher la section de composition de courriel » (FAQ, désistement, A)."""
    only(request, Role.INTERPRETER)
    service_request = load(request, number)
    if service_request.interpreter_id != request.user.pk:
        raise PermissionDenied
    initial = {"body": withdrawal_text(service_request, request.user)} if service_request.is_assigned else {}
    form = ComposeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = {"body": form.cleaned_data["body"], "shown": ()}
        return written(request, service_request, exchanges.post_message, _sent(service_request), **given)
    context = {"service_request": service_request, "form": form}
    return render(request, "requests_app/compose.html", context, status=422 if request.method == "POST" else 200)


def _sent(service_request) -> str:
    """The step of the FAQ that follows, for who is leaving the request."""
    next_step = " Pour vous désister, choisissez maintenant «\u00a0Marquer comme non alloué\u00a0»."
    return "Message envoyé à la BI." + (next_step if service_request.is_assigned else "")


def withdrawal_text(service_request, user) -> str:
    """The FAQ's own message, with the communications already logged."""
    made = list(service_request.communications.filter(interpreter=user))
    confirmed = [row for row in made if row.purpose == Purpose.CONFIRMATION] or made
    day = f"{day_and_month(confirmed[0].at)} {timezone.localdate(confirmed[0].at).year}" if confirmed else "(date)"
    text = (
        "Je dois me désister de la demande. La communication pour confirmer le rendez-vous a déjà été effectuée le "
        f"{day}. Est-ce possible de créer la demande de transmission de message pour que je puisse être payé "
        "s’il vous plaît?"
    )
    thanks = f"Merci et bonne journée\n{user.get_full_name()}"
    return "\n\n".join(part for part in (text, exchanges.written(made), thanks) if part)


@require_POST
def ask_urgently(request, number):
    only(request, Role.INTERPRETER)
    service_request, form = load(request, number), urgent_form(request.POST)
    if not form.is_valid():
        return page(request, service_request, status=422, urgent_form=form, form=form)
    said = (
        "Votre demande de désistement urgent est envoyée. La demande reste réservée en attendant la réponse de la BI."
    )
    body = form.cleaned_data["body"]
    return written(request, service_request, exchanges.ask_urgent_withdrawal, said, body=body)


@require_POST
def decline_urgent(request, number):
    only(request, Role.COORDINATOR)
    service_request, form = load(request, number), decline_form(request.POST)
    if not form.is_valid():
        return page(request, service_request, status=422, decline_form=form, form=form)
    said, reply = "Votre réponse est envoyée. La demande reste réservée.", form.cleaned_data["body"]
    return written(request, service_request, exchanges.decline_urgent_withdrawal, said, reply=reply)
