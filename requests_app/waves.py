"""« Envoi par vagues »: so many people at a time, in the ranking's order, until somebody has the request.

The first wave leaves with the coordinator's click, the others with the worker. The plan is held first, by the worker,
which never waits for one (SKIP LOCKED), or by `stop`, which holds nothing else; then account, request, offers.
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.alone import alone
from accounts.models import User
from accounts.roles import Role
from requests_app import offers
from requests_app.candidates import Candidate, explained, ranked
from requests_app.models import Offer, WavePlan
from requests_app.moves import verb
from requests_app.sourcing import MINUTES_TO_ANSWER
from requests_app.workflow import UNASSIGNED, NotAllowed, Status

NOBODY = "Il n’y a personne dans la liste\u00a0: cherchez par nom, ou élargissez la demande."
TOO_SHORT = f"Une vague laisse au moins {MINUTES_TO_ANSWER}\u00a0minutes pour répondre\u00a0: allongez le délai."
# Text messages ring: nobody is woken for a service that leaves a day, on the clock of Montréal.
QUIET_FROM, QUIET_UNTIL = time(21), time(7)
URGENT = timedelta(hours=24)
# Plans looked at by one run of the worker: more than a day's requests.
MOST = 500


@verb
def start(service_request, *, by, at, size: int, every_minutes: int, answer_by: datetime, version=None) -> WavePlan:
    """Offer to the first `size` of the list now, then to the next ones every `every_minutes` (20 people, 24 h at most).

    The first leaves at any hour: the coordinator chose it. Raises NotAllowed: nobody is in the list, nobody would have
    the time to answer, waves already run (a constraint says so), or what `offers.offer` refuses.
    """
    plan = WavePlan(size=size, every_minutes=every_minutes, answer_by=answer_by, by=by, at=at)
    plan.service_request = service_request
    first = ranked(service_request, at=at, limit=size)
    if not first:
        raise NotAllowed(NOBODY)
    _send(plan, first, by=by, at=at, version=version)
    if _is_too_late(plan, at):
        raise NotAllowed(TOO_SHORT)
    plan.save()
    return plan


@verb
def stop(service_request, *, by, at) -> None:
    """« Arrêter les vagues », by a coordinator: nobody else is asked; whoever was keeps their offer.

    Raises NotAllowed when none run.
    """
    if by.role != Role.COORDINATOR:
        raise NotAllowed("Votre rôle ne permet pas cette action.")
    ended = {"ended_at": at, "ended_by": by, "end": WavePlan.End.STOPPED}
    stopped = service_request.wave_plans.filter(ended_at=None).update(**ended)
    if not stopped:
        raise NotAllowed("Aucun envoi par vagues n’est en cours pour cette demande.")


@alone
def send_due(at: datetime | None = None) -> int:
    """Send the waves whose time has come, and end the plans that are over; returns how many waves were sent.

    The worker calls it each minute; `at` is now unless given. However late it comes, a plan sends one wave. What one
    plan meets does not stop the others: the next minute tries it again.
    """
    at = at or timezone.now()
    due = _due(at).select_related("service_request")[:MOST]
    return sum(offers.attempted(_turn, plan.service_request, plan.pk, at=at) is True for plan in due)


def running(service_request) -> WavePlan | None:
    """The plan that still sends waves, if there is one."""
    return service_request.wave_plans.filter(ended_at=None).first()


def deadline_of(plan: WavePlan) -> datetime:
    """Until when its offers are answered: a start that comes earlier brings it (as `offers.bring_deadlines`)."""
    return min(plan.answer_by, plan.service_request.starts_at)


def awake(at: datetime, starts_at: datetime) -> datetime:
    """When a wave due at `at` may leave: at once, or at QUIET_UNTIL when it is night and the service is not urgent."""
    local = timezone.localtime(at)
    if QUIET_UNTIL <= local.time() < QUIET_FROM or starts_at - at <= URGENT:
        return at
    morning = local.date() + timedelta(days=local.time() >= QUIET_FROM)
    return timezone.make_aware(datetime.combine(morning, QUIET_UNTIL))


def reach(plan: WavePlan, offers: Iterable[Offer], *, at) -> tuple[int, int]:
    """How many people the plan asked, and among how many: those, and who of the list was not yet. One statement."""
    known = asked(plan, offers)
    if not known:
        return 0, 0
    found = list(explained(plan.service_request, [User(pk=pk) for pk in known], at=at).values())
    are_listed = sum(candidate.rank is not None for candidate in found)
    return len(known), len(known) + found[0].among - are_listed


def asked(plan: WavePlan, offers: Iterable[Offer]) -> set[int]:
    """Whom the offers of its request went to since the plan began, whoever sent them: it asks nobody twice."""
    return {offer.interpreter_id for offer in offers if offer.sent_at >= plan.at}


def _due(at: datetime):
    """Plans to look at: their hour has come, nobody's answer is awaited any more, or the request left the search."""
    is_waited_for = Q(service_request__status=Status.PENDING)
    return WavePlan.objects.filter(Q(next_at__lte=at) | ~is_waited_for, ended_at=None).order_by("next_at")


@verb
def _turn(service_request, plan_pk: int, *, at) -> bool:
    """One plan at its hour: a wave, or its end. Another worker that holds it is left to do it."""
    held = _due(at).filter(pk=plan_pk).select_for_update(skip_locked=True, of=("self",))
    plan = held.select_related("service_request__language", "by").first()
    if plan is None:
        return False
    end = _end_of(plan, at)
    if not end and _is_put_off(plan, at):
        return False
    following = [] if end else _following(plan, at)
    if end or not following:
        plan.end, plan.ended_at = end or WavePlan.End.NOBODY_LEFT, at
        plan.save(update_fields=["end", "ended_at"])
        return False
    seen = plan.service_request.version
    _send(plan, following, by=User.objects.system(), at=at, version=seen)
    plan.save(update_fields=["sent", "next_at"])
    return True


def _is_put_off(plan: WavePlan, at: datetime) -> bool:
    """Whether the wave waits for the morning, which its plan then says."""
    leaves_at = awake(at, plan.service_request.starts_at)
    if leaves_at > at:
        plan.next_at = leaves_at
        plan.save(update_fields=["next_at"])
    return leaves_at > at


def _end_of(plan: WavePlan, at: datetime) -> str:
    """Why a plan is over, an empty text when it is not; given then given back between two turns, it is over too."""
    steps = plan.service_request.transitions.filter(at__gt=plan.at).order_by("id")
    statuses = [*steps.values_list("to_status", flat=True), plan.service_request.status]
    left = next((status for status in statuses if status not in UNASSIGNED), "")
    if left:
        return WavePlan.End.CLOSED if left == Status.CANCELLED else WavePlan.End.TAKEN
    return WavePlan.End.TOO_LATE if _is_too_late(plan, at) else ""


def _is_too_late(plan: WavePlan, at: datetime) -> bool:
    """Whether a wave sent now would leave less than MINUTES_TO_ANSWER."""
    return deadline_of(plan) - at < timedelta(minutes=MINUTES_TO_ANSWER)


def _following(plan: WavePlan, at: datetime) -> list[Candidate]:
    """The next people of the list, as it is now; not whoever was asked and whose offer was taken back since."""
    known = asked(plan, plan.service_request.offers.all())
    found = ranked(plan.service_request, at=at, limit=plan.size + len(known))
    return [candidate for candidate in found if candidate.interpreter.pk not in known][: plan.size]


def _send(plan: WavePlan, people: list[Candidate], *, by: User, at: datetime, version) -> None:
    """Offer to these people, and say in the history that it was a wave and who began it."""
    plan.sent += 1
    plan.next_at = awake(at + timedelta(minutes=plan.every_minutes), plan.service_request.starts_at)
    offers.offer(
        plan.service_request,
        [candidate.interpreter for candidate in people],
        by=by,
        at=at,
        answer_by=deadline_of(plan),
        version=version,
        note=f"Vague {plan.sent}, commencée par {plan.by}",
    )
