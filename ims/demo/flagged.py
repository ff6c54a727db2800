"""Reports that a validator has to look at: one for each flag of completion/flags.py. See acts.py."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

from completion import decisions
from completion import services as completions
from completion.models import Attachment
from ims.demo import receipts, texts
from ims.demo.acts import booked, communicated, confirmed, served
from ims.demo.casting import ON_SITE, Case, Casting
from ims.demo.days import shift
from requests_app.models import Purpose
from requests_app.workflow import SPOKEN

QUIET = {"are_communications_requested": False}


def stories(casting: Casting) -> Iterator:
    """Of the last days, each by somebody else."""
    ago, case = partial(shift, casting.days.today), partial(casting.case, **QUIET)
    yield farther(case(ago(-3), kinds=ON_SITE, km=22))
    yield longer(case(ago(-2), kinds=SPOKEN, minutes=60))
    yield without_receipt(case(ago(-4), kinds=ON_SITE))
    yield too_near(case(ago(-5), kinds=ON_SITE, km=7))
    yield unasked(case(ago(-3)))
    yield repeated(casting.case(ago(-4), are_communications_requested=True))
    yield too_late(casting.case(ago(-6), are_communications_requested=True))
    yield forgotten(case(shift(casting.days.day(-15), -1)))
    yield from same_receipt(casting, case(ago(-7), kinds=ON_SITE), ago(-4))
    yield from overlapping(case(ago(-5), kinds=ON_SITE, minutes=120))
    yield from rushed(casting, case(ago(-6), kinds=ON_SITE, minutes=130))
    yield helped(case(ago(-3)))


def farther(case: Case):
    """The distance typed is a third more than the way."""
    at = yield from booked(case)
    km = (case.roads[case.interpreter.pk] * 4 / 3).quantize(Decimal(1))
    yield from served(case, at, distance_km=km, comments="Détour\u00a0: travaux sur l’autoroute.")


def longer(case: Case):
    """Fifty minutes more than the request."""
    at = yield from booked(case)
    ends_at = case.request.ends_at + timedelta(minutes=50)
    comments = "Le (la) professionnel(le) a prolongé la rencontre."
    yield from served(case, at, actual_ends_at=ends_at, waiting_minutes=0, comments=comments)


def without_receipt(case: Case):
    """Parking, and no receipt."""
    at = yield from booked(case)
    comments = "La borne n’imprimait pas de facture."
    yield from served(case, at, receipt=False, parking_amount=receipts.AMOUNTS[2], comments=comments)


def too_near(case: Case):
    """A way that is not paid, claimed all the same."""
    at = yield from booked(case)
    yield from served(case, at, distance_km=case.roads[case.interpreter.pk])


def unasked(case: Case):
    """A communication that nobody asked for."""
    at = yield from booked(case)
    at = yield from confirmed(case, at)
    yield from served(case, at)


def repeated(case: Case):
    """Two calls for one confirmation, the same day."""
    at = yield from booked(case)
    made_at = at + timedelta(minutes=40)
    at = yield made_at + timedelta(minutes=4)
    communicated(case, at, made_at, Purpose.CONFIRMATION)
    yield from served(case, at)


def too_late(case: Case):
    """What was explained after the service is logged as a communication."""
    yield from booked(case)
    made_at = case.fields["ends_at"] + timedelta(minutes=40)
    at = yield made_at + timedelta(minutes=4)
    communicated(case, at, made_at, Purpose.EXPLANATION)
    yield from served(case, at)


def forgotten(case: Case):
    """Filed twelve days after."""
    at = yield from booked(case)
    yield from served(case, at, days_late=12, comments="Désolé du retard.")


def helped(case: Case):
    """A validator added a line, and left the file to somebody else."""
    at = yield from booked(case)
    at = yield from served(case, at)
    at = yield at + timedelta(minutes=20)
    reason = "Détour par la pharmacie, demandé par l’équipe soignante."
    decisions.add_line(case.request, by=case.validator, at=at, amount=Decimal("6.50"), reason=reason)


def same_receipt(casting: Casting, case: Case, day) -> list:
    """One receipt for two services of one interpreter, three days apart."""
    again = casting.case(day, kinds=ON_SITE, star=case.interpreter, **QUIET)
    return [_parked(case, case), _parked(again, case)]


def _parked(case: Case, first: Case):
    at = yield from booked(case)
    amount = receipts.AMOUNTS[3]
    at = yield from served(case, at, receipt=False, parking_amount=amount)
    at = yield at + timedelta(minutes=5)
    upload = receipts.draw(first.request.facility.name, first.request.starts_at, amount, number=first.request.pk)
    kind = Attachment.Kind.PARKING_RECEIPT
    completions.attach(case.request, upload, by=case.interpreter, at=at, kind=kind)


def overlapping(case: Case) -> list:
    """Two services in a row at one clinic; the first lasts ten minutes more, on the second's time."""
    middle = case.fields["starts_at"] + timedelta(minutes=60)
    first = replace(case, fields=case.fields | {"ends_at": middle})
    following = {"starts_at": middle, **texts.patient(case.rng)}
    second = replace(case, created_at=case.created_at + timedelta(minutes=6), fields=case.fields | following)
    return [_as_booked(first, timedelta(minutes=10)), _as_booked(second, distance_km=Decimal(0))]


def rushed(casting: Casting, case: Case) -> list:
    """Ten minutes to go from one end of the region to the other."""
    middle, here = case.fields["starts_at"] + timedelta(minutes=60), case.fields["facility"]
    there = max(casting.near(case.interpreter), key=lambda place: _apart(place, here))
    first = replace(case, fields=case.fields | {"ends_at": middle})
    moved = {"starts_at": middle + timedelta(minutes=10), "facility": there, "institution": there.institution}
    second = replace(
        case,
        created_at=case.created_at + timedelta(minutes=20),
        fields=case.fields | moved | texts.patient(case.rng),
        roads={case.interpreter.pk: casting.road_km(case.interpreter, there)},
    )
    return [_as_booked(first), _as_booked(second)]


def _apart(place, other):
    return abs(place.latitude - other.latitude) + abs(place.longitude - other.longitude)


def _as_booked(case: Case, more=timedelta(0), **facts):
    at = yield from booked(case)
    hours = {"actual_starts_at": case.request.starts_at, "actual_ends_at": case.request.ends_at + more}
    yield from served(case, at, waiting_minutes=0, **hours, **facts)
