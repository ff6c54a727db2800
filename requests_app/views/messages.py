"""The threads of a request, the FAQ's compose panel, and the urgent withdrawal."""

from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.roles import Role
from requests_app import exchanges
from requests_app.forms import MessageForm
from requests_app.views.access import load, only, refused
from requests_app.views.requests import decline_form, page, threads, urgent_form, written
from requests_app.workflow import NotAllowed


@require_POST
def post(request, number):
    """A message to the side its form names; whoever lost the request meanwhile does not read it."""
    service_request = load(request, number)
    found = threads(service_request, request.user)
    if not found:
        raise PermissionDenied
    thread = next((thread for thread in found if thread.to == request.POST.get("to", "")), None)
    if thread is None:
        said = "Cette personne n’a plus la demande\u00a0: votre message n’est pas envoyé."
        return refused(request, service_request, NotAllowed(said))
    thread.form = MessageForm(request.POST, purpose=f"message{thread.to}")
    if not thread.form.is_valid():
        return page(request, service_request, status=422, threads=found, form=thread.form)
    given = {"body": thread.form.cleaned_data["body"], "interpreter": thread.side}
    return written(request, service_request, exchanges.post_message, "Message envoyé.", **given)


@require_http_methods(["GET", "HEAD", "POST"])
def compose(request, number):
    """« Cliquer sur l'icône pour afficher la section de composition de courriel » (FAQ, désistement, A)."""
    only(request, Role.INTERPRETER)
    service_request = load(request, number)
    if not threads(service_request, request.user):
        raise PermissionDenied
    initial = {"body": withdrawal_text(service_request, request.user)} if service_request.is_assigned else {}
    form = MessageForm(request.POST or None, label="Corps du courriel", initial=initial)
    form.fields["body"].widget.attrs["rows"] = 10
    if request.method == "POST" and form.is_valid():
        body = form.cleaned_data["body"]
        return written(request, service_request, exchanges.post_message, "Message envoyé à la BI.", body=body)
    context = {"service_request": service_request, "form": form}
    return render(request, "requests_app/compose.html", context, status=422 if request.method == "POST" else 200)


def withdrawal_text(service_request, user) -> str:
    """The FAQ's own message, with the communications already logged."""
    made = list(service_request.communications.filter(interpreter=user))
    said = exchanges.written(made)
    first = timezone.localdate(made[0].at).isoformat() if made else "(date)"
    text = (
        "Je dois me désister de la demande. La communication pour confirmer le rendez-vous a déjà été effectuée le "
        f"{first}. Est-ce possible de créer la demande de transmission de message pour que je puisse être payé "
        "s’il vous plaît?"
    )
    return "\n\n".join(part for part in (text, said, f"Merci et bonne journée\n{user.get_full_name()}") if part)


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
