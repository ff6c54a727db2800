"""The calendar that an interpreter's telephone or mail program reads: RFC 5545, at a secret address of theirs.

It says the service, the language, the number, the « secteur » and the address of the request, which asks to sign in:
never a person, an exact address or a reason (domain.md, « Privacy »).
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from icalendar import Calendar, Event, vDuration

from accounts.models import User
from accounts.roles import Role
from requests_app import keys
from requests_app.calendars import CalendarFeed
from requests_app.models import ServiceRequest, Transition
from requests_app.sheet import area_of
from requests_app.workflow import ASSIGNED, SPOKEN, ServiceType, Status

# How far back: what is older has left every screen.
DAYS_BACK = timedelta(days=60)
# A calendar that never stops growing is one that no telephone reads.
MOST_EVENTS = 1000
# How often a calendar should come back; most come when they like.
REFRESH = timedelta(hours=1)
SHOWN = (*ASSIGNED, Status.PROVIDED, Status.COMPLETED, Status.CANCELLED)


# The address


def open_feed(interpreter: User, *, at: datetime) -> None:
    """Give the interpreter an address, unless they have one: two clicks open one, and a closed one never comes back."""
    CalendarFeed.objects.get_or_create(interpreter=interpreter, defaults={"created_at": at, "is_open": True})
    CalendarFeed.objects.filter(interpreter=interpreter, is_open=False).update(is_open=True, created_at=at)


def change_feed(interpreter: User, *, seen: int) -> bool:
    """Another address, the former one stops at once; `seen` is the page's number, so that two clicks change once."""
    held = CalendarFeed.objects.filter(interpreter=interpreter, is_open=True, number=seen)
    return bool(held.update(number=F("number") + 1))


def close_feed(interpreter: User) -> None:
    """No address any more; the one that stops is never given again."""
    CalendarFeed.objects.filter(interpreter=interpreter, is_open=True).update(is_open=False, number=F("number") + 1)


def address_of(feed: CalendarFeed) -> str:
    """The whole secret address, to give to a calendar."""
    key = keys.key_of("calendar", feed.pk, feed.number)
    return settings.BASE_URL + reverse("requests:calendar_feed", args=[feed.pk, key])


def webcal_of(feed: CalendarFeed) -> str:
    """The same address, as calendar programs open it by themselves."""
    return f"webcal:{address_of(feed).partition(':')[2]}"


def reader_of(pk: int, key: str) -> User | None:
    """The interpreter whose address this is; None when it is wrong, closed, or its person has left."""
    found = CalendarFeed.objects.select_related("interpreter").filter(pk=pk, is_open=True).first()
    if found is None or not keys.opens(key, "calendar", found.pk, found.number):
        return None
    interpreter = found.interpreter
    return interpreter if interpreter.is_active and interpreter.role == Role.INTERPRETER else None


# What it says


def calendar_of(interpreter: User, *, at: datetime) -> bytes:
    """The requests an interpreter holds or held, from 60 days back, cancellations included; one statement."""
    calendar = Calendar()
    calendar.add("prodid", "-//BI du RSSS//IMS//FR")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", "Demandes IMS")
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    for service_request in _shown(interpreter, at=at):
        calendar.add_component(_event(service_request))
    return calendar.to_ical()


def _shown(interpreter, *, at):
    last_step = Transition.objects.filter(service_request=OuterRef("pk")).order_by("-id").values("at")[:1]
    mine = ServiceRequest.objects.assigned_to(interpreter).filter(status__in=SHOWN, ends_at__gte=at - DAYS_BACK)
    mine = mine.exclude(service_type=ServiceType.MESSAGE_RELAY)
    mine = mine.annotate(changed_at=Coalesce(Subquery(last_step), F("created_at")))
    return mine.with_people().order_by("-starts_at", "-id")[:MOST_EVENTS]


def _event(service_request) -> Event:
    event, is_cancelled = Event(), service_request.status == Status.CANCELLED
    is_busy = service_request.is_spoken and not is_cancelled
    url = settings.BASE_URL + reverse("requests:detail", args=[service_request.pk])
    event.add("uid", f"demande-{service_request.pk}@{urlsplit(settings.BASE_URL).hostname}")
    event.add("sequence", service_request.version)
    event.add("dtstamp", service_request.changed_at)
    event.add("last-modified", service_request.changed_at)
    event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    event.add("transp", "OPAQUE" if is_busy else "TRANSPARENT")
    event.add("summary", _summary(service_request))
    event.add("description", f"{service_request.get_status_display()}\u00a0: les détails sont dans la demande, {url}")
    event.add("url", url)
    for name, value in _when_and_where(service_request):
        event.add(name, value)
    return event


def _summary(service_request) -> str:
    service = service_request.get_service_type_display()
    if service_request.service_type not in SPOKEN:
        service = f"À remettre\u00a0: {service.lower()}"
    return f"{service}, {service_request.language.name} (demande {service_request.pk})"


def _when_and_where(service_request):
    """A written service is an instant, when it is due, and has no place."""
    if not service_request.is_spoken:
        yield "dtstart", service_request.ends_at
        return
    yield "dtstart", service_request.starts_at
    yield "dtend", service_request.ends_at
    if service_request.service_type == ServiceType.ON_SITE:
        yield "location", area_of(service_request)
