"""What awaits the account printed first: the FAQ's own case, and one request of each kind an interpreter meets."""

from datetime import date
from decimal import Decimal
from functools import partial

from completion import decisions
from completion import services as completions
from completion.models import Outcome
from ims.demo import ahead, past, turns
from ims.demo.acts import accepted, offered, submitted, taken
from ims.demo.casting import ON_SITE, Case, Casting
from ims.demo.days import instant, shift

# FAQ, « Comment dois-je rentrer les communications effectuées en dehors de la période d'interprétation ? »: as typed.
TYPED = """Communications :
1- 2024-12-01 14h10 Confirmation du rendez-vous
2- 2024-12-05 20.12 Rappel du rendez-vous à l'utilisateur"""
_SERVED_ON, PAID_ON = date(2024, 12, 6), date(2024, 12, 10)
# Business days from today.
FORMER = (-38, -58, -79, -101)


def stories(casting: Casting):
    """The stories of the first interpreter of the list."""
    star, today = casting.people.interpreters[0], casting.days.today
    ready = partial(casting.case, star=star)
    yield faq(_faq_case(casting, star))
    yield ahead.offered_last_evening(ready(shift(today, 5), size=3, lead=(1, 2), kinds=ON_SITE))
    yield ahead.pending(ready(shift(today, 8), size=2, lead=(1, 2)), answer_in=1)
    yield ahead.changed(ready(shift(today, 6), kinds=ON_SITE))
    yield ahead.reserved_with_communication(ready(shift(today, 4), kinds=ON_SITE, are_communications_requested=True))
    yield ahead.reserved(ready(casting.days.day(1), minute=10 * 60, kinds=ON_SITE, are_communications_requested=True))
    yield taken(ready(shift(today, 11)))
    yield ahead.reserved(ready(shift(today, -1), minute=14 * 60, kinds=ON_SITE))
    for number in (-2, -3, -5):
        yield past.provided(ready(shift(today, number)))
    yield past.returned(ready(shift(today, -6), kinds=ON_SITE))
    yield past.cancelled_late(ready(shift(today, -4)))
    yield turns.withdrawn(ready(shift(today, -20), size=2, lead=(10, 14), are_communications_requested=True))
    for number in (-12, -15, -18, -24):
        yield past.completed(ready(shift(today, number), size=2))
    yield turns.rescheduled(ready(shift(today, -28), size=3))


def former(casting: Casting):
    """Services of the months before, each paid: drawn after everything else, which stays what it was."""
    for number in FORMER:
        yield past.completed(casting.case(shift(casting.days.today, number), star=casting.people.interpreters[0]))


def _faq_case(casting: Casting, star) -> Case:
    case = casting.case(
        _SERVED_ON, star=star, kinds=ON_SITE, minute=13 * 60 + 30, minutes=90, are_communications_requested=True
    )
    case.created_at = instant(date(2024, 11, 26), 9 * 60 + 40)
    return case


def faq(case: Case):
    """The communications are typed in the comments in the FAQ's own words, become rows on saving, and are paid."""
    at = yield from submitted(case)
    at = yield from offered(case, at)
    yield from accepted(case, at)
    at = yield instant(_SERVED_ON, 16 * 60 + 20)
    hours = {"actual_starts_at": case.request.starts_at, "actual_ends_at": case.request.ends_at}
    # « Durée d'attente 0, Distance parcourue 0, Durée du trajet 0 », as in the FAQ's picture.
    facts = {"waiting_minutes": 0, "distance_km": Decimal(0), "travel_minutes": 0, "comments": TYPED, **hours}
    completions.file(case.request, by=case.interpreter, at=at, outcome=Outcome.RENDERED, **facts)
    at = yield instant(PAID_ON, 10 * 60 + 5)
    decisions.validate(case.request, by=case.validator, at=at)
