"""What an interpreter's profile says of their time: the address their calendar reads, and their availability."""

from django import template
from django.utils import timezone

from accounts.roles import Role
from requests_app import feed
from requests_app.availability import coming, period_words
from requests_app.calendars import CalendarFeed

register = template.Library()


@register.inclusion_tag("requests_app/_calendar_feed.html", takes_context=True)
def calendar_feed(context):
    """« Calendrier »: the address to copy, or how to have one; nothing for another role."""
    user = context["request"].user
    if user.role != Role.INTERPRETER:
        return {"is_shown": False}
    held = CalendarFeed.objects.filter(interpreter=user, is_open=True).first()
    if held is None:
        return {"is_shown": True, "address": ""}
    addresses = {"address": feed.address_of(held), "webcal": feed.webcal_of(held)}
    return {"is_shown": True, "number": held.number, **addresses}


@register.inclusion_tag("requests_app/_availability.html", takes_context=True)
def availability(context):
    """« Disponibilités »: the next absence, and the way to the page; nothing for another role."""
    user = context["request"].user
    if user.role != Role.INTERPRETER:
        return {"is_shown": False}
    absence = coming(user, at=timezone.now()).first()
    return {"is_shown": True, "absence": period_words(absence.starts_at, absence.ends_at) if absence else ""}
