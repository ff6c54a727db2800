"""Panels of a request that other rooms' pages show."""

from django import template
from django.utils import timezone

from accounts.french import hour, long_date
from requests_app.history import lines

register = template.Library()


@register.filter
def avant(deadline) -> str:
    """« avant 16 h » today, « avant le vendredi 7 mars 2025 à 16 h » another day."""
    if timezone.localdate(deadline) == timezone.localdate():
        return f"avant {hour(deadline)}"
    return f"avant le {long_date(deadline)} à {hour(deadline)}"


@register.inclusion_tag("requests_app/_history.html", takes_context=True)
def history(context, service_request):
    return {"lines": lines(service_request, context["request"].user, at=timezone.now())}
