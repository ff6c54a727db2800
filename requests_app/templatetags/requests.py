"""Panels of a request that other rooms' pages show."""

from django import template
from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from accounts.french import hour, long_date
from requests_app import announced, consequences, exchanges, held, logbook
from requests_app.forms import CommunicationForm
from requests_app.logbook_forms import AmendForm
from requests_app.workflow import Action

register = template.Library()
_CHOSEN = {Action.ASSIGN, Action.REASSIGN}


@register.filter
def avant(deadline) -> str:
    """« avant 16 h » today, « avant le vendredi 7 mars 2025 à 16 h » another day."""
    if timezone.localdate(deadline) == timezone.localdate():
        return f"avant {hour(deadline)}"
    return f"avant le {long_date(deadline)} à {hour(deadline)}"


@register.inclusion_tag("requests_app/_consequences.html", takes_context=True)
def who_is_told(context, service_request, action):
    """« Qui est prévenu » of a step about to be taken by the reader, besides whoever is still to be chosen."""
    reader = context["request"].user
    told = consequences.told_by(service_request, Action(action), by=reader)
    return {"told": announced.told_words(told, reader), "is_chosen": action in _CHOSEN}


@register.simple_tag
def leaving(service_request):
    """What becomes of whoever has the request, once it is another's."""
    sentences = announced.leaving_words(service_request)
    return format_html_join("", "<p>{}</p>", ((sentence,) for sentence in sentences))


@register.simple_tag(takes_context=True)
def held_on_device(context, service_request):
    """What the device of its interpreter keeps of the request, or keeps no more (js/device.js)."""
    if service_request.interpreter_id != context["request"].user.pk:
        return ""
    said = held.said([service_request], at=timezone.now())
    return format_html('<template data-held="{}"></template>', said)


@register.inclusion_tag("requests_app/_communications.html", takes_context=True)
def communications(context, service_request, is_leaving=False):
    """« Communications », while they are kept on the request's page: afterwards the report has them."""
    request, at = context["request"], timezone.now()
    if not logbook.may_amend(service_request, request.user):
        return {"is_shown": False}
    prefetch_related_objects([service_request], "communications")
    made = [row for row in service_request.communications.all() if row.interpreter_id == service_request.interpreter_id]
    return {
        "is_shown": is_leaving or bool(made) or service_request.is_assigned,
        "service_request": service_request,
        "is_leaving": is_leaving,
        "is_own": service_request.interpreter_id == request.user.pk,
        "made": _described(context, service_request, made),
        "said": request.GET.get("communication", ""),
        "one_tap": logbook.ONE_TAP,
        "communication_form": context.get("communication_form")
        or CommunicationForm(at=at, is_planned=service_request.are_communications_requested),
    }


def _described(context, service_request, made) -> list:
    """Each row with what ruling 6 makes of it, and the form that completes it."""
    asked_by = next((row.requested_by_name for row in reversed(made) if row.requested_by_name), "")
    for row in made:
        is_sent = context.get("amended") == row.pk
        row.is_just_logged = context["request"].GET.get("communication") == str(row.pk)
        row.is_billable = exchanges.is_communication_billable(service_request, row)
        row.why = "" if row.is_billable else exchanges.why_unbillable(service_request, row)
        row.why_inline = row.why[:1].lower() + row.why[1:]
        row.form = context["amend_form"] if is_sent else AmendForm(row=row, asked_by=asked_by)
        row.is_open = is_sent or (row.is_just_logged and not row.is_billable)
    return made
