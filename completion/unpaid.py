"""What « Ma paie » cannot count yet: requests to fill in, communications to claim; and what the period takes now."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from billing.services import Tables
from billing.statements import coming_period
from completion.earnings import Work, estimated
from requests_app.models import AWAITING_REVIEW, Communication, ServiceRequest
from requests_app.workflow import ASSIGNED, Status

# How many are named; the others are one tap away, in « Demandes ».
MOST_NAMED = 10


def to_file(user: User, *, at: datetime) -> QuerySet[ServiceRequest]:
    """What has begun and is not filled in, oldest first: nothing of it is paid before it is (FAQ, « clore »)."""
    begun = ServiceRequest.objects.assigned_to(user).filter(status__in=ASSIGNED, starts_at__lte=at)
    return begun.select_related("language").order_by("starts_at", "id")


def to_claim(user: User) -> list[Work]:
    """Cancellations in time whose communications are paid once claimed, with their amount, oldest first.

    FAQ, « a annulé la demande »; six statements at most, and one more than MOST_NAMED.
    """
    made = Communication.objects.filter(service_request=OuterRef("pk"))
    cancelled = ServiceRequest.objects.assigned_to(user).filter(status=Status.CANCELLED, filed_by=None)
    rows = cancelled.filter(Exists(made)).exclude(AWAITING_REVIEW).select_related("language", "completion")
    rows = rows.prefetch_related("communications", "attachments", "added_lines").order_by("starts_at", "id")
    found, tables = list(rows[: MOST_NAMED + 1]), Tables.read()
    return [work for work in (estimated(row, tables) for row in found) if work.total > 0]


def running_period(at: datetime) -> tuple[date, date]:
    """The first and last day of the period that runs: what is validated now goes on its statement; two statements."""
    today, length = timezone.localdate(at), settings.PAY_PERIOD_DAYS
    coming = coming_period()
    start = coming[0] if coming else settings.PAY_PERIOD_FIRST_DAY
    # The periods before may have ended without being computed yet.
    start += timedelta(days=max(0, (today - start).days // length * length))
    return start, start + timedelta(days=length - 1)
