"""Who is told what when a request moves, and who is not (domain.md, « a request never just vanishes »)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import mail
from accounts.french import hour
from accounts.models import Notification
from requests_app import exchanges, offers, services
from requests_app.lost import REASSIGNED, REMOVED, why_gone
from requests_app.workflow import Status
from tests import make
from tests.make import HOUR, NOW, START
from tests.pages import ahead

pytestmark = pytest.mark.django_db
LATER = NOW + HOUR
END = START + make.LENGTH

BY_REQUESTER, BI_ERROR = "by_requester", "bi_error"
# What happens to a request of Alice's (or offered to Alice and Bob): {who is told: what}, and nobody else.
MOVES = {
    "offer": ("unallocated", lambda r: offer(r, make.alice(), make.bob()), {"Alice": "offered", "Bob": "offered"}),
    "accept": (
        "pending",
        lambda r: offers.accept(r, by=make.alice(), at=LATER),
        {"Rita": "taken", "Bob": "offer_gone"},
    ),
    "refuse": ("pending", lambda r: offers.refuse(r, by=make.alice(), at=LATER), {}),
    "retract": (
        "pending",
        lambda r: offers.retract(r, make.alice(), by=make.coordinator(), at=LATER),
        {"Alice": "offer_gone"},
    ),
    "expire": ("pending", lambda r: offers.expire_due(START), {"Alice": "offer_gone", "Bob": "offer_gone"}),
    "assign": (
        "pending",
        lambda r: services.assign(r, make.alice(), by=make.coordinator(), at=LATER, note="Entente"),
        {"Alice": "assigned", "Bob": "offer_gone", "Rita": "taken"},
    ),
    "reassign": (
        "reserved",
        lambda r: services.reassign(r, make.bob(), by=make.coordinator(), at=LATER, note="Entente"),
        {"Alice": "removed", "Bob": "assigned"},
    ),
    "modify, offered": (
        "pending",
        lambda r: services.modify(r, by=make.requester(), at=LATER, ends_at=END + HOUR),
        {"Alice": "offer_changed", "Bob": "offer_changed"},
    ),
    "modify, reserved": (
        "reserved",
        lambda r: services.modify(r, by=make.requester(), at=LATER, ends_at=END + HOUR),
        {"Alice": "changed"},
    ),
    "modify, by the BI": (
        "reserved",
        lambda r: services.modify(r, by=make.coordinator(), at=LATER, note="Entente", ends_at=END + HOUR),
        {"Alice": "changed", "Rita": "changed_by_bi"},
    ),
    "modify, not offered": (
        "unallocated",
        lambda r: services.modify(r, by=make.requester(), at=LATER, ends_at=END + HOUR),
        {},
    ),
    "acknowledge": ("modified", lambda r: services.acknowledge(r, by=make.alice(), at=LATER), {}),
    "withdraw": (
        "reserved",
        lambda r: services.mark_unallocated(r, by=make.alice(), at=LATER),
        {"Rita": "withdrawn"},
    ),
    "release": (
        "reserved",
        lambda r: services.mark_unallocated(r, by=make.coordinator(), at=LATER, note="Erreur"),
        {"Alice": "removed", "Rita": "withdrawn"},
    ),
    "cancel by the requester": (
        "reserved",
        lambda r: services.cancel(r, by=make.requester(), at=LATER, reason=BY_REQUESTER),
        {"Alice": "cancelled"},
    ),
    "cancel by the BI": (
        "reserved",
        lambda r: services.cancel(r, by=make.coordinator(), at=LATER, reason=BI_ERROR),
        {"Alice": "cancelled", "Rita": "cancelled"},
    ),
    "cancel, offered": (
        "pending",
        lambda r: services.cancel(r, by=make.requester(), at=LATER, reason=BY_REQUESTER),
        {"Alice": "offer_gone", "Bob": "offer_gone"},
    ),
    "reinstate": (
        "cancelled",
        lambda r: services.reinstate(r, by=make.coordinator(), at=LATER, note="Erreur"),
        {"Alice": "reinstated", "Rita": "reopened"},
    ),
    "report": ("reserved", lambda r: services.report(r, is_rendered=True, by=make.alice(), at=END), {}),
    "return": (
        "provided",
        lambda r: services.return_for_correction(r, by=make.validator(), at=END, note="Précisez"),
        {"Alice": "returned"},
    ),
    "validate": ("provided", lambda r: services.validate(r, by=make.validator(), at=END), {"Alice": "validated"}),
}


LATE = "Annulation à moins de 2 jours ouvrables (48 h) : vous êtes rémunéré(e) selon la durée réservée"
IN_TIME = (
    "Annulation à 2 jours ouvrables (48 h) ou plus : non rémunérée, sauf les communications facturables déjà faites"
)
TRANSLATED = "Annulation non rémunérée, sauf les communications facturables déjà faites : réclamez-les dans la demande."


@pytest.mark.parametrize(
    ("at", "reason", "service_type", "said"),
    [
        (LATER, BI_ERROR, "phone", IN_TIME),
        (START - HOUR, BI_ERROR, "phone", LATE),
        (START + HOUR, "interpreter_absent", "phone", "Motif : interprète absent. L’annulation n’est pas rémunérée."),
        (START - HOUR, BI_ERROR, "translation", TRANSLATED),
    ],
)
def test_a_cancellation_says_what_it_pays_to_its_interpreter_alone(at, reason, service_type, said):
    made = make.reserved(service_type=service_type)
    services.cancel(made, by=make.coordinator(), at=at, reason=reason, note="Appel")
    told = Notification.objects.filter(topic="cancelled", channel="email")
    assert told.get(user=make.alice()).context["pay"].replace("\u00a0", " ").startswith(said)
    assert "pay" not in told.get(user=make.requester()).context


def offer(service_request, *interpreters, at=NOW):
    offers.offer(service_request, interpreters, by=make.coordinator(), at=at, answer_by=START)


@pytest.mark.parametrize(("status", "move", "told"), MOVES.values(), ids=MOVES)
def test_those_whom_it_concerns_are_told_and_nobody_else(status, move, told):
    users = (make.alice(), make.bob()) if status == "pending" else ()
    made = make.pending(*users) if users else make.request(status)
    make.charlie(), make.coordinator(), make.validator(), make.administrator()
    known = list(Notification.objects.values_list("pk", flat=True))
    move(made)
    new = Notification.objects.filter(channel="email").exclude(pk__in=known).values_list("user__first_name", "topic")
    assert sorted(new) == sorted(told.items())


def test_a_change_by_the_bi_leaves_the_requester_the_news_that_is_still_true():
    at = timezone.now()
    made = make.reserved(make.alice(), at=at, starts_at=at + 99 * HOUR)
    moved = {"starts_at": made.starts_at + 24 * HOUR, "ends_at": made.ends_at + 24 * HOUR}
    services.modify(made, by=make.coordinator(), at=at, note="Entente", **moved)
    due = make.requester().notifications.filter(state="due").order_by("id")
    assert list(due.values_list("topic", flat=True)) == ["taken", "changed_by_bi"]
    assert len({notice.context["date"] for notice in due}) == 1


def test_a_change_by_a_colleague_of_the_requester_is_not_the_bis():
    made = make.reserved(make.alice())
    colleague = make.person("Raoul", "requester", institution=make.institution())
    services.modify(made, by=colleague, at=LATER, ends_at=END + HOUR)
    assert not make.requester().notifications.filter(topic="changed_by_bi").exists()


def test_a_new_request_is_told_to_nobody():
    make.unallocated()
    assert not Notification.objects.exists()


def test_the_relay_is_told_to_nobody():
    made = make.reserved(make.alice())
    make.communication(made)
    relay = services.mark_unallocated(made, by=make.alice(), at=LATER)
    assert not Notification.objects.filter(about=f"request:{relay.pk}").exists()


@pytest.mark.parametrize("step", ["reassign", "mark_unallocated"])
@pytest.mark.parametrize("is_urgent", [True, False])
def test_whoever_loses_a_booking_reads_that_it_is_taken_away_and_why(step, is_urgent):
    made, at = make.reserved(make.alice()), START - HOUR
    if is_urgent:
        exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=at, body="Grippe")
    chosen = [make.bob()] if step == "reassign" else []
    getattr(services, step)(made, *chosen, by=make.coordinator(), at=at, note="Entente")
    row = make.alice().notifications.filter(channel="email").latest("id")
    otherwise = {"reassign": REASSIGNED, "mark_unallocated": REMOVED}[step]
    reason = "Votre désistement urgent est accordé." if is_urgent else otherwise
    assert (row.topic, row.context["reason"], why_gone(made.pk, make.alice())) == ("removed", reason, reason)
    assert "reason" not in make.requester().notifications.latest("id").context
    sms = mail.text_of_sms(Notification(user=make.alice(), topic="removed", context=row.context))
    assert f"la demande {made.pk} vous est retirée" in sms and (reason in sms) is is_urgent


def test_an_urgent_withdrawal_granted_before_is_not_why_a_later_booking_is_lost():
    made, at = make.reserved(make.alice()), START - HOUR
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=at, body="Grippe")
    services.mark_unallocated(made, by=make.coordinator(), at=at, note="Accordé")
    services.assign(made, make.alice(), by=make.coordinator(), at=at + HOUR / 4, note="Remise")
    services.mark_unallocated(made, by=make.coordinator(), at=at + HOUR / 2, note="Erreur")
    assert why_gone(made.pk, make.alice()) == REMOVED


# What was not sent yet and no longer holds is not sent


def now():
    return timezone.now()


def soon(status, *interpreters):
    """A request of today, so that what is told of it is really due."""
    at = now()
    fields = {"at": at, "starts_at": at + 99 * HOUR}
    return make.pending(*interpreters, **fields) if interpreters else make.request(status, **fields)


def due(user):
    waiting = user.notifications.filter(state="due", channel="email").order_by("id")
    return list(waiting.values_list("topic", flat=True))


def test_who_answered_is_no_longer_asked():
    made = soon(Status.PENDING, make.alice(), make.bob())
    offers.refuse(made, by=make.bob(), at=now())
    offers.accept(made, by=make.alice(), at=now())
    assert (due(make.alice()), due(make.bob())) == ([], [])


def test_who_came_too_late_is_told_once_that_it_is_gone():
    made = soon(Status.PENDING, make.alice(), make.bob())
    offers.accept(made, by=make.alice(), at=now())
    assert due(make.bob()) == ["offer_gone"]


@pytest.mark.parametrize("verb", ["retract", "cancel"])
def test_an_offer_taken_back_before_it_was_sent_is_not_sent(verb):
    made = soon(Status.PENDING, make.alice())
    if verb == "retract":
        offers.retract(made, make.alice(), by=make.coordinator(), at=now())
    else:
        services.cancel(made, by=make.requester(), at=now(), reason=BY_REQUESTER)
    assert due(make.alice()) == ["offer_gone"]


def test_the_last_change_replaces_those_before_it():
    made = soon(Status.RESERVED)
    for minutes in (120, 150):
        services.modify(made, by=make.requester(), at=now(), ends_at=made.starts_at + minutes * HOUR / 60)
    assert due(make.alice()) == ["changed"]


def test_who_was_not_told_yet_that_a_request_is_theirs_learns_it_then_that_it_changed():
    made = soon(Status.PENDING, make.bob())
    services.assign(made, make.alice(), by=make.coordinator(), at=now(), note="Au téléphone")
    hours = [made.starts_at + minutes * HOUR / 60 for minutes in (60, 90)]
    for starts_at in hours:
        services.modify(made, by=make.coordinator(), at=now(), starts_at=starts_at, ends_at=starts_at + 2 * HOUR)
    assert due(make.alice()) == ["assigned", "changed"]
    told = make.alice().notifications.filter(state="due", channel="email").values_list("context__hour", flat=True)
    assert set(told) == {hour(hours[-1])}


def test_a_change_of_a_request_that_was_taken_away_since_says_only_that():
    made = soon(Status.PENDING, make.bob())
    services.assign(made, make.alice(), by=make.coordinator(), at=now(), note="Au téléphone")
    services.mark_unallocated(made, by=make.coordinator(), at=now(), note="Erreur")
    assert due(make.alice()) == ["removed"]


@pytest.mark.parametrize("answer", ["declined", "granted"])
def test_an_urgent_withdrawal_that_was_answered_asks_nobody_any_more(answer):
    made = make.reserved(at=now() - HOUR, starts_at=now() + 20 * HOUR)
    other = make.person("Corinne", "coordinator")
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=now(), body="Grippe")
    assert "urgent_asked" in due(other)
    if answer == "granted":
        services.mark_unallocated(made, by=make.coordinator(), at=now(), note="Accordé")
    else:
        exchanges.decline_urgent_withdrawal(made, by=make.coordinator(), at=now(), reply="Non")
    assert "urgent_asked" not in due(other)


def test_a_change_that_was_acknowledged_is_not_announced_any_more():
    made = soon(Status.MODIFIED)
    assert due(make.alice()) == ["changed"]
    services.acknowledge(made, by=make.alice(), at=now())
    assert due(make.alice()) == []


def test_what_is_due_to_the_others_stays_due():
    made = soon(Status.PENDING, make.alice(), make.bob())
    offers.refuse(made, by=make.bob(), at=now())
    assert due(make.alice()) == ["offered"]


def test_another_requests_messages_stay_due():
    first, second = soon(Status.PENDING, make.alice()), soon(Status.PENDING, make.alice())
    offers.retract(first, make.alice(), by=make.coordinator(), at=now())
    abouts = make.alice().notifications.filter(state="due", topic="offered").values_list("about", flat=True)
    assert set(abouts) == {f"request:{second.pk}"}


# What a change of an offered request costs


def statements(number, at, **fields):
    """How many statements it takes to modify a request that `number` interpreters are asked to take."""
    people = [make.interpreter(f"Offert-{index}") for index in range(number)]
    made = make.pending(*people, at=at, starts_at=ahead())
    with CaptureQueriesContext(connection) as asked:
        services.modify(made, by=make.coordinator(), at=at, note="Entente", **fields)
    return len(asked)


def test_however_many_hold_an_offer_a_change_takes_as_many_statements():
    now = timezone.now()
    assert statements(1, now, professional_name="Dre A") == statements(10, now, professional_name="Dre B")
    later = now + 2 * HOUR
    assert statements(1, later, starts_at=ahead() + HOUR) == statements(10, later, starts_at=ahead() + HOUR)


def test_whoever_loses_an_offer_to_another_language_is_told_that_alone():
    now = timezone.now()
    made = make.pending(make.alice(), at=now, starts_at=ahead())
    services.modify(made, by=make.coordinator(), at=now, note="Entente", language=make.language("arabe"))
    told = make.alice().notifications.filter(channel="email").exclude(state="closed")
    assert [row.topic for row in told] == ["offer_gone"]
    assert {row.context["language"] for row in make.alice().notifications.filter(topic="offered")} == {"espagnol"}
