"""Panels about money that other rooms' pages show; lists never show pay."""

from django import template
from django.utils import timezone

from accounts.roles import Role
from billing.cancellations import cancellation_cost, cancellation_preview
from billing.clock import clock
from billing.models import PeriodExport
from billing.offer_pay import offer_estimate
from billing.reasons import calculation, explanation
from billing.rules import billed_minutes
from billing.services import policy_of
from billing.tariff_words import rate_words
from requests_app.distances import Origin
from requests_app.models import CancellationReason

register = template.Library()
# Not by its name: it may be the institution that an offer does not tell.
_ORIGINS = {Origin.HOME: "de votre domicile", Origin.HEAD_OFFICE: "du siège social de votre établissement"}
# Those who see a request they do not serve.
READERS = frozenset({Role.REQUESTER, Role.COORDINATOR, Role.VALIDATOR})


register.filter("taux", rate_words)
register.filter("explication", explanation)
register.filter("calcul", calculation)


@register.inclusion_tag("billing/_offer_pay.html")
def offer_pay(offer):
    """About how far an offered service is from its interpreter, and what it would pay; two queries at most."""
    found = offer_estimate(offer)
    return {"estimate": found, "origin": _ORIGINS[found.way.origin] if found.way else ""}


@register.inclusion_tag("billing/_cancellation_pay.html", takes_context=True)
def cancellation_pay(context, service_request, at, is_absent=False, now=None):
    """What cancelling at `at` would pay, to whom, and the 48 h business clock behind it.

    `now` when the notice may have come before it.
    """
    user = context["request"].user
    if user.role not in READERS:
        return {"is_shown": False}
    preview = cancellation_preview(service_request, at=at, is_absent=is_absent)
    # A requester knows who comes, not what a named person earns.
    shown = {"is_shown": True, "service_request": service_request, "preview": preview, "is_absent": is_absent}
    return shown | {"is_named": user.is_bi_staff, "is_past": now is not None and at < now}


@register.inclusion_tag("billing/_cancellation_terms.html")
def cancellation_terms(service_request, is_priced=True):
    """Until when a request that somebody has is cancelled free of charge, and what it costs afterwards.

    The amount is left out (`is_priced`) where a name shows to a requester.
    """
    if not service_request.is_assigned:
        return {"is_shown": False}
    at = timezone.now()
    preview = cancellation_preview(service_request, at=at)
    is_late = at > preview.limit
    return {"is_shown": preview.late_amount > 0, "preview": preview, "is_late": is_late, "is_priced": is_priced}


@register.inclusion_tag("billing/_notice_card.html", takes_context=True)
def notice_decided(context, service_request):
    """« Préavis » of a cancelled request, day by day, and what it costs the requester's establishment.

    For its requester: the pay panel tells the others. From what was frozen with the cancellation, never from the
    holidays of today; two queries at most.
    """
    is_requester = context["request"].user.role == Role.REQUESTER
    if not is_requester or service_request.notice_received_at is None:
        return {"cost": None}
    is_absent = service_request.cancellation_reason == CancellationReason.INTERPRETER_ABSENT
    has_clock = service_request.interpreter_id and service_request.is_spoken and not is_absent
    received_at, closed_days = service_request.notice_received_at, service_request.notice_closed_days
    decided = clock(received_at, service_request.starts_at, closed_days=closed_days) if has_clock else None
    return {"clock": decided, "cost": cancellation_cost(service_request)}


@register.simple_tag
def billed_length(service_request, minutes):
    """The minutes paid for `minutes` of presence, under the policy of the service date."""
    return billed_minutes(minutes, policy_of(service_request).as_rules())


@register.inclusion_tag("billing/_exports.html", takes_context=True)
def period_exports(context, period):
    """« Exporter » of a published period, by format: the button, or who exported it, when, its checksum; one query."""
    rows = period.exports.defer("content").select_related("made_by")
    made = {row.format: row for row in rows}
    formats = [(fmt, made.get(fmt)) for fmt in PeriodExport.Format] if period.published_at else []
    return {"period": period, "formats": formats, "csrf_token": context["csrf_token"]}
