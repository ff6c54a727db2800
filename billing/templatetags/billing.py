"""Panels about money that other rooms' pages show; lists never show pay."""

from decimal import Decimal

from django import template
from django.utils import timezone

from accounts.french import NBSP, decimal
from accounts.roles import Role
from billing.models import rate_places
from billing.rules import billed_minutes
from billing.services import cancellation_preview, offer_estimate, policy_of
from requests_app.distances import Origin

register = template.Library()
# Not by its name: it may be the institution that an offer does not tell.
_ORIGINS = {Origin.HOME: "de votre domicile", Origin.HEAD_OFFICE: "du siège social de votre établissement"}
# Those who see a request they do not serve.
READERS = frozenset({Role.REQUESTER, Role.COORDINATOR, Role.VALIDATOR})


@register.filter
def taux(rate: Decimal) -> str:
    """A rate with the digits that count: « 41,00 $ », « 0,10 $ », « 0,625 $ »."""
    return f"{decimal(rate, rate_places(rate))}{NBSP}$"


@register.filter
def quantite(line) -> str:
    """A line's quantity with its unit: « 2,5 h », « 1 communication », « 2 communications »."""
    # An abbreviation takes no mark of the plural; a word does from 2.
    plural = "s" if len(line.unit) > 2 and abs(line.quantity) >= 2 else ""
    return f"{decimal(line.quantity)}{NBSP}{line.unit}{plural}"


@register.inclusion_tag("billing/_offer_pay.html")
def offer_pay(offer):
    """About how far an offered service is from its interpreter, and what it would pay; two queries at most."""
    found = offer_estimate(offer)
    return {"estimate": found, "origin": _ORIGINS[found.way.origin] if found.way else ""}


@register.inclusion_tag("billing/_cancellation_pay.html", takes_context=True)
def cancellation_pay(context, service_request, at, is_absent=False):
    """What cancelling at `at` would pay, to whom, and the 48 h business clock behind it."""
    user = context["request"].user
    if user.role not in READERS:
        return {"is_shown": False}
    preview = cancellation_preview(service_request, at=at, is_absent=is_absent)
    # A requester knows who comes, not what a named person earns.
    return {"is_shown": True, "preview": preview, "is_named": user.is_bi_staff, "is_absent": is_absent}


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


@register.simple_tag
def billed_length(service_request, minutes):
    """The minutes paid for `minutes` of presence, under the policy of the service date."""
    return billed_minutes(minutes, policy_of(service_request).as_rules())
