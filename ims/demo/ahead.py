"""Stories of requests still to come: waiting for an interpreter, booked, changed, about to be lost. See acts.py."""

from datetime import timedelta

from ims.demo import texts
from ims.demo.acts import booked, confirmed, offered, refused, submitted, taken
from ims.demo.casting import Case
from ims.demo.days import instant, shift
from ims.demo.past import cancelled
from requests_app import offers, services
from requests_app.exchanges import ask_urgent_withdrawal, post_message


def unallocated(case: Case):
    """New; now and then the requester asks where it stands."""
    at = yield from submitted(case)
    if case.rng.random() < 0.3:
        at = yield case.soon(at, 90)
        post_message(case.request, by=case.requester, at=at, body="Avez-vous trouvé quelqu’un pour cette demande?")


def pending(case: Case, answer_in=None):
    """Offered to several; the deadline is `answer_in` days after today, so that it is still ahead."""
    at = yield from submitted(case)
    answer_by = instant(case.days.day(answer_in or case.rng.randint(1, 3)), 17 * 60)
    return (yield from offered(case, at, answer_by=answer_by))


def offered_last_evening(case: Case):
    """Sent yesterday evening by whoever was on duty, to be answered by tomorrow: its messages are still to leave."""
    yield from submitted(case)
    at = yield case.days.evening(20, 15)
    answer_by = instant(case.days.day(1), 17 * 60)
    offers.offer(case.request, case.interpreters, by=case.coordinator, at=at, answer_by=answer_by)


def partly_refused(case: Case):
    """One of three has declined."""
    at = yield from pending(case, answer_in=2)
    yield from refused(case, at, case.interpreters[-1])


def pending_changed(case: Case):
    """Modified while offers are open: their holders are told."""
    at = yield from pending(case, answer_in=2)
    at = yield case.soon(at, 60)
    services.modify(case.request, by=case.requester, at=at, instructions="Apporter les lunettes et l’ordonnance.")


def all_refused(case: Case):
    """Nobody wants it: « Non alloué » again."""
    at = yield from submitted(case)
    at = yield from offered(case, at)
    for interpreter in case.interpreters:
        at = yield from refused(case, at, interpreter)


def expired(case: Case):
    """Nobody answered: « Non alloué » again."""
    at = yield from submitted(case)
    yield from offered(case, at)
    at = yield case.request.offers.first().answer_by
    offers.expire_due(at)


def retracted(case: Case):
    """Offered to somebody by mistake, taken back; the others may still answer."""
    at = yield from pending(case, answer_in=3)
    at = yield case.soon(at, 60)
    offers.retract(case.request, case.interpreters[-1], by=case.coordinator, at=at, note="Mauvais dialecte.")


def reserved(case: Case):
    """Booked; and, when its day has come, still to report."""
    yield from booked(case)


def reserved_with_communication(case: Case):
    """Booked, and the appointment confirmed: withdrawing would take path A of the FAQ."""
    at = yield from taken(case)
    yield from confirmed(case, at)


def taken_last_evening(case: Case):
    """Accepted yesterday evening from home, with a question to the BI that waits for an answer."""
    at = yield from submitted(case)
    yield from offered(case, at, answer_by=case.days.evening(23, 58))
    at = yield case.days.evening(20, 40) + timedelta(minutes=case.rng.randint(0, 90))
    offers.accept(case.request, by=case.interpreter, at=at)
    at = yield case.days.evening(23, 5) + timedelta(minutes=case.rng.randint(0, 40))
    post_message(case.request, by=case.interpreter, at=at, body=case.rng.choice(texts.QUESTIONS)[0])


def changed(case: Case):
    """Moved by an hour since it was booked, and not seen yet."""
    yield from booked(case)
    at = yield case.office(shift(case.days.today, -1))
    hour = timedelta(hours=1)
    slot = {"starts_at": case.request.starts_at + hour, "ends_at": case.request.ends_at + hour}
    services.modify(case.request, by=case.requester, at=at, note=texts.CHANGED, **slot)


def instructed(case: Case):
    """Only the instructions changed since it was booked: no right to withdraw follows."""
    yield from booked(case)
    at = yield case.office(shift(case.days.today, -1))
    lines = [case.request.instructions, "L’entrée se fait par la porte du côté, au sous-sol."]
    services.modify(case.request, by=case.coordinator, at=at, instructions="\n".join(filter(None, lines)))


def urgency_asked(case: Case):
    """Tomorrow's interpreter asked yesterday evening to be replaced; the BI has not answered."""
    yield from taken(case)
    at = yield case.days.evening(21, 50)
    ask_urgent_withdrawal(case.request, by=case.interpreter, at=at, body=texts.URGENT)


def withdrawn_free(case: Case):
    """Path B of the FAQ: no communication made, « Marquer comme non alloué » alone."""
    yield from taken(case)
    at = yield case.office(shift(case.days.today, -1))
    services.mark_unallocated(case.request, by=case.interpreter, at=at)


def reinstated(case: Case):
    """Cancelled by mistake, and reinstated the same day: to be assigned again."""
    yield from taken(case)
    at = yield case.office(shift(case.days.today, -1))
    at = cancelled(case, at)
    at = yield at + timedelta(minutes=30)
    services.reinstate(case.request, by=case.coordinator, at=at, note="Annulée par erreur, confirme la clinique.")
