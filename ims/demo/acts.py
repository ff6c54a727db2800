"""What can happen to a request, as parts of stories: each yields the instant of its next event, then calls a verb.

The instant comes back from `yield` when every earlier event of the world has happened (world.play).
"""

from datetime import datetime, timedelta

from completion import decisions
from completion import services as completions
from completion.models import Attachment, Outcome
from ims.demo import receipts, texts
from ims.demo.casting import Case
from ims.demo.days import instant, local_day, shift
from requests_app import offers, services
from requests_app.exchanges import log_communication, post_message
from requests_app.models import Channel, Purpose


def submitted(case: Case):
    """The requester creates it."""
    at = yield case.created_at
    case.request = services.submit(by=case.requester, at=at, **case.fields)
    return at


def offered(case: Case, at: datetime, interpreters=None, answer_by: datetime | None = None):
    """A coordinator offers it to `interpreters` (all of the case) until `answer_by` (the second evening)."""
    at = yield case.soon(at)
    answer_by = answer_by or instant(shift(local_day(at), 2), 17 * 60)
    offers.offer(case.request, interpreters or case.interpreters, by=case.coordinator, at=at, answer_by=answer_by)
    return at


def refused(case: Case, at: datetime, interpreter):
    """`interpreter` declines."""
    at = yield case.soon(at)
    offers.refuse(case.request, by=interpreter, at=at, reason=case.rng.choice(texts.REFUSALS))
    return at


def accepted(case: Case, at: datetime):
    """The first interpreter takes it."""
    at = yield case.soon(at)
    offers.accept(case.request, by=case.interpreter, at=at)
    return at


def taken(case: Case):
    """Created, and accepted by the first interpreter of the case: by telephone, or after an offer to everybody."""
    at = yield from submitted(case)
    if len(case.interpreters) == 1 and case.rng.random() < 0.3:
        at = yield case.soon(at)
        services.assign(case.request, case.interpreter, by=case.coordinator, at=at, note=texts.BY_PHONE)
        return at
    at = yield from offered(case, at)
    if len(case.interpreters) > 2:
        at = yield from refused(case, at, case.interpreters[-1])
    return (yield from accepted(case, at))


def booked(case: Case):
    """Taken, then what comes with a booking: questions now and then, communications when they are asked for."""
    at = yield from taken(case)
    if case.rng.random() < 0.2:
        at = yield from questioned(case, at)
    if case.fields["are_communications_requested"]:
        at = yield from confirmed(case, at)
    elif case.is_spoken and case.rng.random() < 0.25:
        at = yield from confirmed(case, at, **case.rng.choice(texts.UNASKED))
    return at


def questioned(case: Case, at: datetime):
    """A question of the interpreter and the BI's answer."""
    question, answer = case.rng.choice(texts.QUESTIONS)
    at = yield case.soon(at, 90)
    post_message(case.request, by=case.interpreter, at=at, body=question)
    at = yield case.soon(at, 90)
    post_message(case.request, by=case.coordinator, at=at, body=answer, interpreter=case.interpreter)
    return at


def confirmed(case: Case, at: datetime, **fields):
    """The interpreter confirms the appointment by telephone, and logs it."""
    made_at = case.soon(at)
    at = yield made_at + timedelta(minutes=4)
    communicated(case, at, made_at, Purpose.CONFIRMATION, **fields)
    return at


def reminded(case: Case, at: datetime):
    """The interpreter reminds the patient on the eve, if that evening has come."""
    eve = instant(local_day(case.request.starts_at) - timedelta(days=1), case.rng.randint(17 * 60, 20 * 60))
    if not at < eve < case.days.last:
        return at
    at = yield eve + timedelta(minutes=3)
    communicated(case, at, eve, Purpose.REMINDER, channel=case.rng.choice([Channel.PHONE, Channel.TEXT]))
    return at


def communicated(case: Case, at: datetime, made_at: datetime, purpose: Purpose, **fields):
    """Log a communication of whoever holds the request."""
    log_communication(case.request, by=case.request.interpreter, at=at, made_at=made_at, purpose=purpose, **fields)


def served(case: Case, at: datetime, *, outcome=Outcome.RENDERED, days_late=0, by=None, receipt=True, **fields):
    """The service takes place and « Détails de l'achèvement » is filed, the same day or `days_late` days later.

    `receipt`: whether the parking has its own.
    """
    if case.fields["are_communications_requested"]:
        at = yield from reminded(case, at)
    facts = _facts(case, outcome) | fields
    ended = facts.get("actual_ends_at") or case.soon(case.request.starts_at, 500)
    at = yield max(at, ended) + timedelta(days=days_late, minutes=case.rng.randint(12, 150))
    completions.file(case.request, by=by or case.request.interpreter, at=at, outcome=outcome, **facts)
    if receipt and facts.get("parking_amount"):
        at = yield at + timedelta(minutes=5)
        attached(case, at, facts["actual_starts_at"], facts["parking_amount"])
    return at


def attached(case: Case, at: datetime, since: datetime, amount):
    """A photo of the parking receipt, taken on the way out."""
    upload = receipts.draw(case.request.facility.name, since, amount, number=case.request.pk)
    by = case.request.interpreter
    completions.attach(case.request, upload, by=by, at=at, kind=Attachment.Kind.PARKING_RECEIPT)


def _facts(case: Case, outcome: Outcome) -> dict:
    """What the interpreter reports: real hours, the claim one way, a parking bill one time in three, or words."""
    rng, request = case.rng, case.request
    if not case.is_spoken:
        return {"word_count": rng.randrange(180, 2400, 10)}
    facts = {"comments": rng.choice(texts.COMMENTS)} if outcome == Outcome.RENDERED else {}
    if outcome in (Outcome.CANCELLED, Outcome.CLAIM):
        return facts
    waiting = rng.choice([0, 0, 0, 5, 10, 15])
    facts |= {"waiting_minutes": waiting, "actual_starts_at": request.starts_at}
    # Nobody is asked why they stayed up to half the time more, nor half an hour (issue 6).
    more = min(waiting + rng.choice([-10, 0, 0, 5, 20]), request.booked_minutes // 2, 30)
    facts["actual_ends_at"] = request.ends_at + timedelta(minutes=more)
    if outcome != Outcome.RENDERED:
        facts["actual_ends_at"] = request.starts_at + timedelta(minutes=30)
    if case.is_on_site:
        facts["distance_km"] = case.claim(request.interpreter)
        facts["travel_minutes"] = int(facts["distance_km"] * 2)
        if rng.random() < 0.35:
            facts["parking_amount"] = rng.choice(receipts.AMOUNTS)
    return facts


def validated(case: Case, at: datetime, request=None):
    """A validator looks at it some days later, and it is « Achevé »."""
    day = case.office(shift(local_day(at), case.rng.randint(2, 6)))
    at = yield max(at + timedelta(minutes=20), min(day, case.days.office_close()))
    decisions.validate(request or case.request, by=case.validator, at=at)
    return at
