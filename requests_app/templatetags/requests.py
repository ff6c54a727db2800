"""Panels of a request that other rooms' pages show."""

from django import template
from django.utils import timezone

from requests_app.history import lines

register = template.Library()


@register.inclusion_tag("requests_app/_history.html", takes_context=True)
def history(context, service_request):
    return {"lines": lines(service_request, context["request"].user, at=timezone.now())}
