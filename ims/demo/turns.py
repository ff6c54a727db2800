"""Stories that took a turn before their day: left, moved, shortened, forgotten, found late. See acts.py."""

from datetime import timedelta

from ims.demo import texts
from ims.demo.acts import accepted, booked, confirmed, offered, served, submitted, taken, validated
from ims.demo.casting import Case
from ims.demo.days import instant, local_day, shift
from requests_app import offers, services
from requests_app.exchanges import ask_urgent_withdrawal, decline_urgent_withdrawal, post_message


def withdrawn(case: Case):
    """Path A of the FAQ: communications made, a message to the BI, « Marquer comme non alloué »; another one serves."""
    former, successor = case.interpreters
    at = yield from taken(case)
    made_at = yield from confirmed(case, at)
    at = yield case.office(shift(case.day, -4))
    body = texts.WITHDRAWAL.format(date=local_day(made_at), name=former)
    post_message(case.request, by=former, at=at, body=body)
    at = yield at + timedelta(minutes=4)
    relay = services.mark_unallocated(case.request, by=former, at=at)
    case.interpreters = [successor]
    at = yield from offered(case, at)
    at = yield from accepted(case, at)
    at = yield from served(case, at)
    at = yield from validated(case, at)
    if case.rng.random() < 0.7:
        yield from validated(case, at, relay)


def reassigned(case: Case):
    """A coordinator gives it to another interpreter, with the agreement of both."""
    yield from taken(case)
    at = yield case.office(shift(case.day, -2))
    successor = case.interpreters[-1]
    note = "Échange convenu au téléphone avec les deux interprètes."
    services.reassign(case.request, successor, by=case.coordinator, at=at, note=note)
    at = yield from served(case, at)
    yield from validated(case, at)


def rescheduled(case: Case):
    """Moved by an hour; the interpreter takes note, then serves."""
    at = yield from booked(case)
    at = yield case.soon(at)
    hour = timedelta(hours=1)
    slot = {"starts_at": case.request.starts_at + hour, "ends_at": case.request.ends_at + hour}
    services.modify(case.request, by=case.requester, at=at, note=texts.CHANGED, **slot)
    at = yield case.soon(at)
    services.acknowledge(case.request, by=case.interpreter, at=at)
    at = yield from served(case, at)
    yield from validated(case, at)


def shortened(case: Case):
    """Shortened too late: the minutes first booked stay paid (ruling 11)."""
    yield from taken(case)
    at = yield case.office(shift(case.day, -1))
    note = "La clinique raccourcit la rencontre\u00a0; l’interprète est d’accord."
    ends_at = case.request.ends_at - timedelta(minutes=case.request.booked_minutes // 2)
    services.modify(case.request, by=case.coordinator, at=at, note=note, ends_at=ends_at)
    at = yield from served(case, at)
    yield from validated(case, at)


def urgency_declined(case: Case):
    """An urgent withdrawal asked on the eve, declined: the interpreter serves."""
    yield from taken(case)
    at = yield case.request.starts_at - timedelta(hours=20)
    ask_urgent_withdrawal(case.request, by=case.interpreter, at=at, body=texts.URGENT)
    at = yield at + timedelta(minutes=35)
    decline_urgent_withdrawal(case.request, by=case.coordinator, at=at, reply=texts.DECLINED)
    at = yield from served(case, at)
    yield from validated(case, at)


def urgency_granted(case: Case):
    """An urgent withdrawal granted: another agrees by telephone within the hour."""
    former, successor = case.interpreters
    yield from taken(case)
    at = yield case.request.starts_at - timedelta(hours=20)
    ask_urgent_withdrawal(case.request, by=former, at=at, body=texts.URGENT)
    at = yield at + timedelta(minutes=20)
    services.mark_unallocated(case.request, by=case.coordinator, at=at, note="Désistement urgent accordé.")
    at = yield at + timedelta(minutes=25)
    services.assign(case.request, successor, by=case.coordinator, at=at, note=texts.BY_PHONE)
    case.interpreters = [successor]
    at = yield from served(case, at)
    yield from validated(case, at)


def start_passed(case: Case):
    """Offered, but nobody answered in time: « Début passé »."""
    at = yield from submitted(case)
    yield from offered(case, at)
    deadline = min(offer.answer_by for offer in case.request.offers.all())
    at = yield deadline
    offers.expire_due(at)


def after_the_fact(case: Case):
    """Out of hours: the coordinator enters it the next day, assigns, and files on behalf of the interpreter."""
    opened = instant(shift(case.day, 1), 9 * 60 + 15)
    at = yield opened
    note = "Service rendu d’urgence, hors des heures d’ouverture."
    case.request = services.submit(by=case.coordinator, at=at, note=note, **case.fields)
    at = yield at + timedelta(minutes=3)
    services.assign(case.request, case.interpreter, by=case.coordinator, at=at, note=texts.BY_PHONE)
    at = yield from served(case, at, by=case.coordinator, note="Remplie au téléphone avec l’interprète.")
    yield from validated(case, at)
