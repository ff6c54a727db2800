"""Stories of requests whose day has come as foreseen, or that were cancelled. See acts.py."""

from datetime import timedelta

from completion import decisions
from completion import services as completions
from completion.models import Outcome
from ims.demo import texts
from ims.demo.acts import (
    booked,
    offered,
    refused,
    served,
    submitted,
    taken,
    validated,
)
from ims.demo.casting import Case
from ims.demo.days import instant, shift
from requests_app import services
from requests_app.models import CancellationReason


def provided(case: Case, days_late=0):
    """Served and reported: the BI has to verify."""
    at = yield from booked(case)
    return (yield from served(case, at, days_late=days_late))


def completed(case: Case):
    """Verified and paid: « Achevé »."""
    at = yield from provided(case)
    yield from validated(case, at)


def filed_late(case: Case):
    """Reported four days after."""
    yield from provided(case, days_late=4)


def patient_absent(case: Case, outcome=Outcome.PATIENT_ABSENT):
    """The interpreter came, and waited half an hour."""
    at = yield from booked(case)
    return (yield from served(case, at, outcome=outcome, comments="Attente à l’accueil, personne n’est venu."))


def patient_absent_completed(case: Case):
    """Verified and paid."""
    at = yield from patient_absent(case)
    yield from validated(case, at)


def professional_absent_completed(case: Case):
    """The same for a professional, verified and paid."""
    at = yield from patient_absent(case, Outcome.PROFESSIONAL_ABSENT)
    yield from validated(case, at)


def turned_away(case: Case):
    """Told on the spot that the service is cancelled."""
    at = yield from booked(case)
    told_at = case.request.starts_at - timedelta(minutes=20)
    return (yield from served(case, at, outcome=Outcome.CANCELLED, told_at=told_at))


def returned(case: Case):
    """The validator asks for a correction."""
    at = yield from provided(case)
    at = yield case.soon(at, 300)
    decisions.return_for_correction(case.request, by=case.validator, at=at, reason=texts.RETURNED)
    return at


def corrected(case: Case):
    """Returned, and corrected by the interpreter."""
    at = yield from returned(case)
    at = yield case.soon(at)
    report = case.request.completion
    facts = {name: getattr(report, name) for name in ("actual_starts_at", "waiting_minutes", "distance_km")}
    facts["actual_ends_at"] = report.actual_ends_at - timedelta(minutes=10)
    comments = "Heure de fin corrigée."
    completions.file(case.request, by=case.interpreter, at=at, outcome=Outcome.RENDERED, comments=comments, **facts)
    return at


def corrected_completed(case: Case):
    """Corrected, then verified and paid."""
    at = yield from corrected(case)
    yield from validated(case, at)


# Cancelled.


def cancelled(case: Case, at, reason=CancellationReason.BY_REQUESTER, note=""):
    """Cancel by the requester, or by the BI for any other reason; returns the instant."""
    by_requester = reason == CancellationReason.BY_REQUESTER
    by = case.requester if by_requester else case.coordinator
    services.cancel(case.request, by=by, at=at, reason=reason, note=note)
    return at


def cancelled_early(case: Case):
    """Five business days before, or the last day worked: more than 48 business hours."""
    yield from booked(case)
    day = min(shift(case.day, -5), shift(case.days.today, -1))
    at = yield case.office(day)
    return cancelled(case, at)


def cancelled_late(case: Case):
    """At the end of the business day before, or of the last day worked: less than 48 business hours."""
    yield from booked(case)
    day = min(shift(case.day, -1), shift(case.days.today, -1))
    at = yield instant(day, case.rng.randint(16 * 60, 16 * 60 + 45))
    return cancelled(case, at)


def cancelled_late_completed(case: Case):
    """Verified and paid without a report."""
    at = yield from cancelled_late(case)
    yield from validated(case, at)


def claimed(case: Case):
    """Cancelled in time, but billable communications had been made: the interpreter claims them."""
    at = yield from cancelled_early(case)
    at = yield case.soon(at)
    comments = "Réclamation de la communication faite avant l’annulation."
    completions.file(case.request, by=case.interpreter, at=at, outcome=Outcome.CLAIM, comments=comments)


def nobody_found(case: Case):
    """Everybody refuses; the BI cancels."""
    at = yield from submitted(case)
    at = yield from offered(case, at)
    for interpreter in case.interpreters:
        at = yield from refused(case, at, interpreter)
    at = yield case.soon(at)
    cancelled(case, at, CancellationReason.NO_INTERPRETER)


def interpreter_absent(case: Case):
    """The clinic telephones during the service: nothing is paid."""
    yield from taken(case)
    at = yield case.request.starts_at + timedelta(minutes=50)
    note = "La clinique a téléphoné\u00a0: l’interprète n’est pas là."
    cancelled(case, at, CancellationReason.INTERPRETER_ABSENT, note=note)


def bi_error(case: Case):
    """Entered twice, cancelled by the BI."""
    at = yield from submitted(case)
    at = yield case.soon(at)
    cancelled(case, at, CancellationReason.BI_ERROR, note="Demande saisie deux fois.")
