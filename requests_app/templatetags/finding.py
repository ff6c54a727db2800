"""What a request's page says of the search for an interpreter: who is asked, who answered, the waves."""

from django import template
from django.utils import timezone

from accounts.french import hour_or_day
from requests_app import history, waves
from requests_app.models import Offer
from requests_app.workflow import UNASSIGNED, Action

register = template.Library()
NOTHING = {"awaited": [], "ended": [], "waves": None}


@register.inclusion_tag("requests_app/_finding.html", takes_context=True)
def finding(context, service_request):
    """« Trouver un interprète »: its ways, the open offers, how the others ended, the waves; then nothing, once found.

    Two statements, three while waves run.
    """
    shown = {"service_request": service_request, "actions": context["actions"], "csrf_token": context["csrf_token"]}
    return shown | (_search(service_request, timezone.now()) if service_request.status in UNASSIGNED else NOTHING)


def _search(service_request, at) -> dict:
    offers = list(service_request.offers.select_related("interpreter").order_by("answer_by", "id"))
    choices = _choices(service_request)
    awaited = [offer for offer in offers if offer.state == Offer.State.OPEN and offer.answer_by > at]
    return {
        "awaited": [(held, _when(held.answer_by, at), choices.get(held.interpreter_id, "")) for held in awaited],
        "ended": [(offer, _end_of(offer)) for offer in offers if offer not in awaited],
        "waves": _waves(service_request, offers, at),
    }


def _choices(service_request) -> dict[int, str]:
    """Why each was chosen, the last time they were asked, from the history that the page has read."""
    steps = history.steps_of(service_request)
    return {step.interpreter_id: history.choice_words(step.choice) for step in steps if step.action == Action.OFFER}


def _end_of(offer: Offer) -> str:
    """« refusée »; past its deadline an offer is expired even before the job ran."""
    state = Offer.State.EXPIRED if offer.state == Offer.State.OPEN else Offer.State(offer.state)
    return state.label.lower()


def _waves(service_request, offers, at) -> dict | None:
    """The last plan of the request: where it is, or how it ended."""
    plan = service_request.wave_plans.select_related("by", "ended_by").order_by("-id").first()
    if plan is None:
        return None
    plan.service_request = service_request
    if plan.ended_at:
        return {"plan": plan, "asked": len(waves.asked(plan, offers))}
    asked, among = waves.reach(plan, offers, at=at)
    hours = {"answer_by": _when(waves.deadline_of(plan), at), "next_at": _when(plan.next_at, at)}
    return hours | {"plan": plan, "asked": asked, "among": among, "is_due": plan.next_at <= at}


def _when(instant, at) -> str:
    """« à 16 h », « le 12 novembre, 16 h »."""
    said = hour_or_day(instant, at)
    return said if said.startswith("le ") else f"à {said}"
