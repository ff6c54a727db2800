"""A tariff comes into force by two people: drafted by a validator, published by an administrator."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from billing import tariffs, verbs
from billing.ledger import hold, ledger
from billing.models import PayPolicy
from billing.tariff_words import differences, doubt, summary, words_of
from completion.decisions import fingerprint, validate
from requests_app.models import ServiceRequest
from requests_app.moves import BUSY, Stale
from requests_app.workflow import NotAllowed
from tests import make
from tests.completion import make as filed
from tests.counts import rounds
from tests.make import HOUR, NOW, START
from tests.requests_app.test_races import together

pytestmark = pytest.mark.django_db
State = PayPolicy.State
LATER = START + 6 * HOUR
AHEAD, BEHIND = date(2025, 6, 1), date(2025, 1, 1)
FOUR_EYES = [make.validator, make.coordinator, make.requester, make.alice, make.system]


def current() -> PayPolicy:
    return PayPolicy.objects.published().get(effective_from="2024-11-04")


def draft(effective_from=AHEAD, **rates) -> PayPolicy:
    """A validator's copy of what is in force, at 50 $ an hour unless said otherwise."""
    made = tariffs.draft_from(current(), by=make.validator(), effective_from=effective_from, at=NOW)
    for name, value in ({"hourly_rate": Decimal(50)} | rates).items():
        setattr(made, name, value)
    return PayPolicy.objects.get(pk=tariffs.edit(made, by=make.validator()).pk)


def seen(made, at=NOW) -> str:
    return tariffs.publication(PayPolicy.objects.get(pk=made.pk), at=at).seen


def published(made, *, by=None, at=NOW, **given) -> PayPolicy:
    given = {"seen": seen(made, at), "is_past_accepted": True, "is_doubt_accepted": True} | given
    return tariffs.publish(made, by=by or make.administrator(), at=at, **given)


def state_of(made) -> str:
    return PayPolicy.objects.values_list("state", flat=True).get(pk=made.pk)


def served() -> ServiceRequest:
    """Alice's visit of START, reported and not validated."""
    made = make.reserved()
    filed.report(made)
    return made


def achieved() -> ServiceRequest:
    made = served()
    validate(made, by=make.validator(), at=LATER)
    return made


# Drafting


def test_a_copy_has_the_rates_of_what_it_copies_and_is_to_be_confirmed():
    PayPolicy.objects.update(rates_confirmed=True)
    made = tariffs.draft_from(current(), by=make.validator(), effective_from=AHEAD, at=NOW)
    assert words_of(made) == words_of(current())
    assert (made.state, made.effective_from, made.rates_confirmed) == (State.DRAFT, AHEAD, False)


def test_a_draft_pays_nobody():
    draft(START.date())
    assert str(ledger(achieved())[0].rate) == "41.0000"


def test_several_drafts_of_one_date_may_be_compared():
    assert draft().effective_from == draft().effective_from


@pytest.mark.parametrize("who", [make.administrator, make.coordinator, make.requester, make.alice, make.system])
def test_only_a_validator_drafts(who):
    made = draft()
    acts = [
        lambda: tariffs.draft_from(made, by=who(), effective_from=AHEAD, at=NOW),
        lambda: tariffs.edit(made, by=who()),
        lambda: tariffs.discard(made, by=who()),
    ]
    for act in acts:
        with pytest.raises(NotAllowed, match="Seul un valideur"):
            act()
    assert PayPolicy.objects.filter(state=State.DRAFT).count() == 1


def test_the_last_who_edited_a_draft_answers_for_it():
    made = draft()
    assert tariffs.edit(made, by=make.person("Vera", "validator")).drafted_by.username == "vera"


def test_a_draft_is_abandoned():
    made = draft()
    tariffs.discard(made, by=make.validator())
    assert not PayPolicy.objects.filter(pk=made.pk).exists()


def test_what_is_published_is_neither_edited_nor_abandoned():
    known = current()
    for act in (tariffs.edit, tariffs.discard):
        with pytest.raises(NotAllowed, match="abandonné ou publié"):
            act(known, by=make.validator())
    assert state_of(known) == State.PUBLISHED


def test_a_draft_published_meanwhile_is_not_written_over():
    made = draft()
    published(made)
    made.hourly_rate = 99
    with pytest.raises(NotAllowed, match="abandonné ou publié"):
        tariffs.edit(made, by=make.validator())
    assert PayPolicy.objects.get(pk=made.pk).hourly_rate == 50


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2031, 1, 1), date(9999, 12, 31)])
def test_a_year_typed_wrong_is_refused(day):
    with pytest.raises(NotAllowed, match="vérifiez l’année"):
        tariffs.draft_from(current(), by=make.validator(), effective_from=day, at=NOW)


def test_a_date_that_has_paid_somebody_is_taken():
    achieved()
    with pytest.raises(NotAllowed, match="a déjà payé quelqu’un"):
        draft(current().effective_from)


# Publishing


def test_a_published_draft_pays_from_its_date_and_says_who_and_when():
    made = published(draft(START.date()))
    line = ledger(achieved())[0]
    assert (line.policy, line.amount) == (made, Decimal("100.00"))
    assert (made.drafted_by, made.published_by, made.published_at) == (make.validator(), make.administrator(), NOW)


@pytest.mark.parametrize("who", FOUR_EYES)
def test_only_an_administrator_publishes(who):
    made = draft()
    with pytest.raises(NotAllowed, match="Seul un administrateur"):
        published(made, by=who())
    assert state_of(made) == State.DRAFT


def test_whoever_edited_the_draft_last_never_publishes_it():
    made, by = draft(), make.validator()
    # One account has one role; the database refuses it too, should somebody change that.
    by.role = "administrator"
    by.save()
    with pytest.raises(NotAllowed, match="Qui prépare une politique ne la publie pas"):
        published(made, by=by)
    with pytest.raises(IntegrityError, match="policy_is_published_by_another_person"), transaction.atomic():
        PayPolicy.objects.filter(pk=made.pk).update(state=State.PUBLISHED, published_by=by, published_at=NOW)


def test_a_draft_is_published_once():
    made = draft()
    known = seen(made)
    published(made)
    with pytest.raises(NotAllowed, match="abandonné ou publié"):
        published(made, seen=known)


def test_a_row_of_the_same_date_that_paid_nobody_is_replaced():
    first = published(draft())
    second = published(draft(hourly_rate=Decimal(60)))
    assert (state_of(first), state_of(second)) == (State.REPLACED, State.PUBLISHED)


def test_a_row_of_the_same_date_that_paid_somebody_meanwhile_is_not_replaced():
    made = draft(current().effective_from)
    achieved()
    with pytest.raises(NotAllowed, match="a déjà payé quelqu’un"):
        published(made)
    assert state_of(current()) == State.PUBLISHED


def test_a_past_date_is_published_only_when_it_is_meant():
    made = draft(BEHIND)
    with pytest.raises(NotAllowed, match="La date est passée"):
        published(made, is_past_accepted=False)
    assert state_of(made) == State.DRAFT


@pytest.mark.parametrize(("days", "is_past"), [(-1, True), (0, False), (1, False)])
def test_today_is_not_past(days, is_past):
    made = draft(NOW.date() + timedelta(days=days))
    assert tariffs.publication(made, at=NOW).is_past is is_past


# What publishing does


def test_what_is_at_stake_is_counted_between_its_date_and_the_next():
    achieved()
    make.reserved(make.bob(), starts_at=START + timedelta(days=7))
    make.policy("2025-03-13", hourly_rate=60)
    make.reserved(make.charlie(), starts_at=START + timedelta(days=5))
    found = tariffs.publication(draft(BEHIND), at=NOW)
    assert (found.frozen, found.waiting, found.days) == (1, 1, "du 1er\u00a0janvier 2025 au 12\u00a0mars 2025")


def test_a_request_that_nobody_has_is_not_counted():
    make.pending()
    assert tariffs.publication(draft(BEHIND), at=NOW).waiting == 0


def test_frozen_lines_keep_their_tariff_and_the_others_follow_the_new_one():
    before = achieved()
    published(draft(BEHIND))
    after = make.reserved(make.bob(), starts_at=START + timedelta(days=1))
    filed.report(after)
    validate(after, by=make.validator(), at=LATER + timedelta(days=1))
    assert [str(ledger(made)[0].amount) for made in (before, after)] == ["82.00", "100.00"]


def test_what_was_read_may_be_confirmed_on_a_busy_day():
    made = draft(BEHIND)
    known = seen(made)
    achieved()
    make.reserved(make.bob())
    assert seen(made) == known


@pytest.mark.parametrize("may", [tariffs.may_draft, tariffs.may_publish])
def test_whoever_left_neither_drafts_nor_publishes(may):
    people = [make.validator(), make.administrator()]
    for user in people:
        user.is_active = False
    assert not any(may(user) for user in people)


def test_what_changes_is_said_value_by_value():
    [one] = tariffs.publication(draft(), at=NOW).differences
    assert (one.label, one.before, one.after) == (
        "Durée de présence",
        "41,00\u00a0$ l’heure",
        "50,00\u00a0$ l’heure",
    )


def test_a_draft_that_pays_the_same_is_told_so():
    found = tariffs.publication(draft(hourly_rate=Decimal(41)), at=NOW)
    assert found.is_same and found.differences == []


def test_a_change_of_each_value_is_a_difference():
    rates = dict.fromkeys(["hourly_rate", "communication_fee", "mileage_rate", "travel_time_rate"], Decimal(7))
    words = dict.fromkeys(["word_rate_translation", "word_rate_revision", "mileage_threshold_km"], Decimal(7))
    made = draft(**rates, **words, minimum_minutes=60, increment_minutes=30, mileage_mode="one_way_full")
    assert [one.label for one in differences(current(), made)] == [label for label, _ in words_of(made)]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("41", "51.25", ""),
        ("41", "51.26", "+25\u00a0%\u00a0: vérifiez"),
        ("41", "4100", "+9\u00a0900\u00a0%\u00a0: vérifiez"),
        ("41", "0", "−100\u00a0%\u00a0: vérifiez"),
        ("0", "0.01", "était à 0\u00a0: vérifiez"),
    ],
)
def test_an_amount_that_moves_by_more_than_a_quarter_is_to_be_checked(old, new, words):
    assert doubt(Decimal(old), Decimal(new)) == words


def test_an_amount_that_moves_much_is_published_only_when_it_is_meant():
    made = draft(hourly_rate=Decimal(4100))
    with pytest.raises(NotAllowed, match="change beaucoup"):
        published(made, is_doubt_accepted=False)
    assert state_of(made) == State.DRAFT


def test_a_tariff_is_said_in_a_sentence():
    assert summary(current()) == "41,00\u00a0$ l’heure; minimum 2\u00a0h; par tranches de 15\u00a0min"


MEANWHILE = {
    "the draft is edited": lambda made: PayPolicy.objects.filter(pk=made.pk).update(hourly_rate=51),
    "another is published before it": lambda _: make.policy("2025-05-01", hourly_rate=45),
    "another is published after it": lambda _: make.policy("2025-07-01", hourly_rate=45),
    "the one before it is confirmed": lambda _: PayPolicy.objects.update(rates_confirmed=True),
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_what_changed_since_it_was_read_is_asked_again(what):
    made = draft()
    known = seen(made)
    MEANWHILE[what](made)
    with pytest.raises(Stale, match="relisez"):
        published(made, seen=known)
    published(made)


# Confirming


def test_an_administrator_confirms_rates_even_of_a_tariff_that_paid():
    achieved()
    tariffs.confirm_rates(current(), by=make.administrator())
    assert current().rates_confirmed


@pytest.mark.parametrize("who", FOUR_EYES)
def test_nobody_else_confirms_rates(who):
    with pytest.raises(NotAllowed, match="Seul un administrateur"):
        tariffs.confirm_rates(current(), by=who())
    assert not current().rates_confirmed


def test_only_a_published_tariff_is_confirmed_and_once():
    tariffs.confirm_rates(current(), by=make.administrator())
    for known in (current(), draft()):
        with pytest.raises(NotAllowed, match="ne sont pas à confirmer"):
            tariffs.confirm_rates(known, by=make.administrator())


# At the same instant


@pytest.mark.django_db(transaction=True)
def test_a_publication_at_the_instant_of_a_validation_never_pays_another_amount_than_the_one_seen():
    admin, validator = make.administrator(), make.validator()
    for turn in range(rounds("tariff race")):
        made = make.reserved(starts_at=START + timedelta(days=turn))
        filed.report(made)
        unused = make.policy(START.date() + timedelta(days=turn), hourly_rate=60)
        one, shown = draft(unused.effective_from, hourly_rate=Decimal(70)), fingerprint(made)
        known, at = seen(one), made.ends_at + HOUR
        outcomes = together(
            lambda one=one, known=known: published(one, by=admin, seen=known),
            lambda made=made, shown=shown, at=at: validate(made, by=validator, at=at, seen=shown),
        )
        paid = [(str(line.amount), line.policy) for line in ledger(made)]
        assert outcomes.count(True) == 1 and paid[:1] == ([] if outcomes[0] is True else [("120.00", unused)])


@pytest.mark.django_db(transaction=True)
def test_of_two_drafts_of_a_date_published_at_once_one_is():
    admin = make.administrator()
    for turn in range(rounds("tariff race")):
        drafts = [draft(AHEAD + timedelta(days=turn), hourly_rate=Decimal(50 + turn + one)) for one in (0, 100)]
        known = [(one, seen(one)) for one in drafts]
        acts = [lambda one=one, token=token: published(one, by=admin, seen=token) for one, token in known]
        assert sorted(map(str, together(*acts))) == [tariffs.CHANGED, "True"]


def in_a_hurry(act):
    """The act, by somebody whom the database makes wait for 20 ms at most."""

    def run():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20ms'")
        act()

    return together(run)[0]


@pytest.mark.django_db(transaction=True)
def test_a_publication_and_a_validation_wait_for_each_other():
    admin, validator, made, one = make.administrator(), make.validator(), served(), draft()
    known, shown = seen(one), fingerprint(made)
    with transaction.atomic():
        hold()
        assert in_a_hurry(lambda: published(one, by=admin, seen=known)) == verbs.BUSY
    with transaction.atomic():
        hold(to_publish=True)
        assert in_a_hurry(lambda: validate(made, by=validator, at=LATER, seen=shown)) == BUSY
    assert (state_of(one), ledger(made)) == (State.DRAFT, [])


@pytest.mark.django_db(transaction=True)
def test_two_validations_do_not_wait_for_each_other():
    made, validator = served(), make.validator()
    with transaction.atomic():
        hold()
        assert in_a_hurry(lambda: validate(made, by=validator, at=LATER)) is True
