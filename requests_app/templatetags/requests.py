"""Panels of a request that other rooms' pages show."""

from django import template
from django.utils import timezone
from django.utils.html import format_html_join

from accounts.french import hour, long_date
from requests_app import announced, consequences
from requests_app.history import lines
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


@register.inclusion_tag("requests_app/_history.html", takes_context=True)
def history(context, service_request):
    return {"lines": lines(service_request, context["request"].user, at=timezone.now())}
