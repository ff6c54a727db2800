"""What a page announces is what happens: who is told, the pay, the right to withdraw (rulings 1, 11 and 12)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Notification, User
from billing.cancellations import cancellation_preview
from requests_app import announced, consequences, exchanges, services
from requests_app.exchanges import is_communication_billable
from requests_app.models import CancellationReason, ServiceRequest, WavePlan
from requests_app.moves import available_actions
from requests_app.workflow import Action, NotAllowed, Status
from tests import make
from tests.make import HOUR
from tests.pages import ago, ahead, form_with, press, said, signed_in, written

pytestmark = pytest.mark.django_db
SAVE, CONFIRM, CANCEL = "Enregistrer la modification", "Confirmer la modification", "Annuler la demande"
BY = {"requester": make.requester, "colleague": lambda: colleague(), "coordinator": make.coordinator}


def colleague():
    return make.person("Renée", "requester", institution=make.institution())


def coming(build=make.reserved, *interpreters, starts_at=None, **fields):
    return build(*interpreters, at=ago(3), starts_at=starts_at or ahead(), **fields)


def soon(build=make.reserved, *interpreters, **fields):
    start = (timezone.now() + 20 * HOUR).replace(minute=0, second=0, microsecond=0)
    return coming(build, *interpreters, starts_at=start, **fields)


def address_of(made, name="modifier"):
    return f"/demandes/{made.pk}/{name}/"


def fresh(made):
    return ServiceRequest.objects.get(pk=made.pk)


def save(user, made, **typed):
    """The page that comes after « Enregistrer », and the client that has it."""
    client = signed_in(user)
    return client, press(client, address_of(made), SAVE, **typed)


# What is announced is what is written


def told_since(pk: int) -> set:
    rows = Notification.objects.filter(pk__gt=pk).select_related("user")
    return {(row.user, row.topic) for row in rows}


def last() -> int:
    return max(Notification.objects.values_list("pk", flat=True), default=0)


OTHER_DAY = {"starts_at": ahead(20), "ends_at": ahead(20) + HOUR}
CHANGES = {
    "a name": lambda: {"patient_name": "Autre"},
    "longer": lambda: {"ends_at": ahead() + 3 * HOUR},
    "another day": lambda: OTHER_DAY,
    "another language": lambda: {"language": make.language("arabe")},
}
WORLDS = {
    "unallocated": lambda: coming(make.unallocated),
    "pending": lambda: coming(make.pending, make.alice(), arabic()),
    "reserved": coming,
    "modified": lambda: coming(make.modified),
}


def arabic():
    """Somebody who also speaks the other language of these changes."""
    user = make.bob()
    user.interpreter_profile.languages.add(make.language("arabe"))
    return user


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("world", WORLDS)
def test_a_modification_tells_and_does_what_was_announced(world, by, change):
    made, user, at = WORLDS[world](), BY[by](), timezone.now()
    fields, before = CHANGES[change](), last()
    announced = consequences.of_change(made, fields, by=user, at=at, note="Entente")
    services.modify(made, by=user, at=at, note="Entente", **fields)
    now = fresh(made)
    assert (told_since(before), Status(now.status)) == (set(announced.told), announced.status)


STEPS = {
    "cancel": lambda made, by, at: services.cancel(made, by=by, at=at, reason=CancellationReason.BY_REQUESTER),
    "mark_unallocated": lambda made, by, at: services.mark_unallocated(made, by=by, at=at, note="Erreur"),
    "reinstate": lambda made, by, at: services.reinstate(made, by=by, at=at, note="Erreur"),
    "assign": lambda made, by, at: services.assign(made, make.charlie(), by=by, at=at, note="Entente"),
    "reassign": lambda made, by, at: services.reassign(made, make.charlie(), by=by, at=at, note="Entente"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("world", [*WORLDS, "cancelled"])
def test_another_step_tells_whom_it_announced(world, by, step):
    made = coming(make.cancelled) if world == "cancelled" else WORLDS[world]()
    user, before = BY[by](), last()
    announced = set(consequences.told_by(made, Action(step), by=user))
    try:
        with transaction.atomic():
            STEPS[step](made, user, timezone.now())
    except NotAllowed:
        return  # the table's business
    chosen = {(make.charlie(), "assigned")} if "assign" in step else set()
    assert told_since(before) == announced | chosen


def test_giving_back_and_modifying_tells_whom_it_announced():
    made, user, at, before = coming(), make.coordinator(), timezone.now(), last()
    given = {"by": user, "at": at, "note": "Entente"}
    announced = consequences.of_change(made, OTHER_DAY, is_released=True, **given)
    services.modify_and_release(made, **given, **OTHER_DAY)
    assert told_since(before) == set(announced.told)
    assert {topic for _, topic in announced.told} == {"removed", "withdrawn", "changed_by_bi"}


@pytest.mark.parametrize("reason", CancellationReason.values)
@pytest.mark.parametrize("build", [make.unallocated, make.reserved])
@pytest.mark.parametrize("hours", [-1, 20, 24 * 14])
def test_a_cancellation_is_late_or_not_as_announced(hours, build, reason):
    if reason == CancellationReason.INTERPRETER_ABSENT and hours > 0:
        return  # nobody is absent yet
    made, at = coming(build, starts_at=timezone.now() + hours * HOUR), timezone.now()
    found = consequences.of_cancellation(made, by=make.coordinator(), received_at=at, reason=reason)
    services.cancel(made, by=make.coordinator(), at=at, reason=reason, note="Appel reçu")
    assert fresh(made).is_late_cancellation == found.is_late
    assert found.pays == fresh(made).is_due_to_review


@pytest.mark.parametrize("minutes", [45, 90, 120])
def test_the_guarantee_is_what_was_announced(minutes):
    made, at = soon(), timezone.now()
    fields = {"ends_at": made.starts_at + timedelta(minutes=minutes)}
    given = {"by": make.coordinator(), "at": at, "note": "Entente"}
    found = consequences.of_change(made, fields, **given)
    services.modify(made, **given, **fields)
    assert fresh(made).guaranteed_minutes == found.guaranteed_minutes == (90 if minutes == 45 else 0)


@pytest.mark.parametrize("fields", [{"patient_name": "Autre"}, OTHER_DAY], ids=["a name", "another day"])
def test_the_right_to_withdraw_is_what_was_announced(fields):
    made, user, at = coming(), make.coordinator(), timezone.now()
    found = consequences.of_change(made, fields, by=user, at=at, note="Entente")
    services.modify(made, by=user, at=at, note="Entente", **fields)
    start = fields.get("starts_at", made.starts_at)
    is_free = Action.MARK_UNALLOCATED in available_actions(fresh(made), make.alice(), at=start - HOUR)
    assert found.frees == is_free


def test_nobody_is_told_that_they_may_withdraw_from_what_has_begun():
    fields = {"starts_at": ago(1), "ends_at": ago(1) + HOUR}
    found = consequences.of_change(coming(), fields, by=make.coordinator(), at=timezone.now(), note="Entente")
    assert (found.frees, found.status) == (False, Status.MODIFIED)


def test_what_is_confirmed_is_the_status_the_guarantee_the_freedom_and_the_people():
    found = consequences.of_change(coming(), OTHER_DAY, by=make.requester(), at=timezone.now(), note="")
    others = [{"status": Status.UNALLOCATED}, {"frees": False}, {"told": []}]
    others.append({"fields": found.fields | {"guaranteed_minutes": 90}})
    assert len({found.stake, *(replace(found, **other).stake for other in others)}) == 5


@pytest.mark.parametrize(("left", "words"), [(-HOUR, "est déjà passé"), (HOUR / 2, "est dans moins d’une heure")])
def test_a_new_start_that_is_near_or_past_is_said(left, words):
    made, user, at = coming(make.unallocated), make.coordinator(), timezone.now()
    for start, is_said in ((at + left, True), (at + 2 * HOUR, False)):
        fields = {"starts_at": start, "ends_at": start + HOUR}
        found = consequences.of_change(made, fields, by=user, at=at, note="Entente")
        said_now = " ".join(announced.change_words(made, found, user))
        assert (words in said_now, replace(found, told=[]).is_plain) == (is_said, not is_said)


LOSSES = {"non-alloue": {}, "attribuer": {}, "modifier": {"release": "1", "start_time": "15h", "note": "Entente"}}


@pytest.mark.parametrize("name", LOSSES)
def test_every_page_that_takes_a_request_away_says_what_becomes_of_what_was_made_and_asked(name):
    made, client = soon(), signed_in(make.coordinator())
    make.bob()
    make.communication(made, made_at=ago(1))
    exchanges.ask_urgent_withdrawal(made, by=make.alice(), at=timezone.now(), body="Grippe")
    page = client.get(address_of(made, name) if name == "modifier" else f"/bi/{address_of(made, name)[1:]}")
    if name == "modifier":
        page = form_with(page, SAVE).send(client, address_of(made), **LOSSES[name])
    text = said(page)
    alice = "Alice Nom-de-Alice"
    assert f"{alice} n’aura plus la demande." in text and "Le désistement urgent demandé est ainsi accordé." in text
    assert f"Les communications déjà faites par {alice} deviennent une transmission de message" in text
    assert f"{alice}, par courriel N’a plus la demande" in text
    assert ("Réattribuer la demande" in text) is (name == "attribuer")


# The page of a modification


def test_saving_shows_the_consequence_and_writes_nothing():
    made = coming()
    before = written(made)
    _, page = save(make.coordinator(), made, duration="2 h", patient_name="Autre personne")
    text = said(page)
    assert (page.status_code, written(made)) == (200, before)
    assert "Usager Ulric Vandemoortele Autre personne" in text and "La demande passe à « Modifié »." in text
    assert "Alice Nom-de-Alice , par courriel La demande a changé" in text.replace("Alice, ", "Alice , ")


def test_confirming_saves_all_that_was_typed():
    made = coming()
    client, page = save(make.requester(), made, duration="2 h", instructions="Porte 3\r\nEscalier B")
    answer = form_with(page, CONFIRM).send(client, address_of(made))
    assert (answer.status_code, fresh(made).booked_minutes) == (302, 120)
    assert fresh(made).instructions == "Porte 3\nEscalier B"


def test_correcting_comes_back_to_the_form_with_what_was_typed():
    made = coming()
    before = written(made)
    client, page = save(make.requester(), made, duration="2 h", patient_name="Autre personne")
    page = form_with(page, CONFIRM).send(client, address_of(made), correct="1")
    kept = form_with(page, SAVE).fields
    assert (page.status_code, kept["duration"], kept["patient_name"]) == (200, "2 h", "Autre personne")
    assert written(made) == before


def test_what_nobody_learns_of_is_saved_at_once():
    made = coming(make.unallocated)
    _, answer = save(make.requester(), made, duration="2 h")
    assert (answer.status_code, fresh(made).booked_minutes) == (302, 120)


def test_a_change_by_the_bi_is_confirmed_because_its_requester_is_told():
    made = coming(make.unallocated)
    _, page = save(make.coordinator(), made, duration="2 h")
    assert (page.status_code, "Rita Nom-de-Rita" in said(page)) == (200, True)


def test_how_each_is_told_follows_their_preferences():
    made = coming()
    User.objects.filter(pk=make.alice().pk).update(mobile_phone="+15145550123")
    assert "Alice Nom-de-Alice, par SMS et par courriel" in said(save(make.coordinator(), made, duration="2 h")[1])
    User.objects.filter(pk=make.alice().pk).update(sms_disabled=True, email_disabled=True)
    text = said(save(make.coordinator(), made, duration="2 h")[1])
    assert "Alice Nom-de-Alice, aucun message ne peut l’atteindre, téléphonez" in text


def test_the_holders_whose_offer_ends_are_told_why():
    made = coming(make.pending, make.alice(), arabic())
    _, page = save(make.coordinator(), made, language=make.language("arabe").pk)
    text = said(page)
    assert "Alice Nom-de-Alice, par courriel La langue de la demande a changé." in text
    assert "Bob Nom-de-Bob, par courriel La demande offerte a changé" in text


def test_a_requester_reads_neither_who_was_asked_nor_a_name_beside_an_amount():
    offered, held = coming(make.pending, make.alice()), coming()
    asked_of = said(save(make.requester(), offered, duration="2 h")[1])
    booked = said(save(make.requester(), held, duration="2 h")[1])
    assert "Les interprètes à qui la demande est offerte" in asked_of and "Alice" not in asked_of
    assert "après : 82,00 $" in booked and "L’interprète" in booked and "Alice" not in booked


def test_a_late_shortening_says_what_stays_paid():
    _, page = save(make.coordinator(), soon(), duration="45", note="Alice est d’accord")
    text = said(page)
    assert "votre note garde l’accord de l’interprète" in text and "elle reste payée au moins 2 h" in text


def test_the_right_to_withdraw_is_said():
    _, page = save(make.coordinator(), coming(), start_time="14h")
    assert "pourra se désister sans la limite de 48 h tant que la modification n’est pas vue" in said(page)


def test_waves_that_go_on_are_said_to_the_bi_alone():
    made = coming(make.pending, make.alice())
    end = {"answer_by": ahead(2), "by": make.coordinator(), "at": ago(1), "next_at": timezone.now() + HOUR}
    WavePlan.objects.create(service_request=made, size=2, every_minutes=60, **end)
    seen = [said(save(user(), made, duration="2 h")[1]) for user in (make.coordinator, make.requester)]
    assert ["L’envoi par vagues continue." in text for text in seen] == [True, False]


def test_a_lateness_that_came_while_reading_is_shown_again():
    made = soon()
    client, page = save(make.coordinator(), made, duration="45", note="Entente")
    before, form = written(made), form_with(page, CONFIRM)
    again = form.send(client, address_of(made), seen="modified in time 0 True")
    assert (again.status_code, written(made)) == (409, before)
    assert "La conséquence a changé pendant que vous lisiez." in said(again)
    assert form_with(again, CONFIRM).send(client, address_of(made)).status_code == 302


def test_a_requester_too_late_is_told_what_to_do():
    page = save(make.requester(), soon(), duration="45")[1]
    links = page.content.decode()
    assert (page.status_code, "/annuler/" in links, 'href="/demandes/nouvelle/"' in links) == (409, True, True)
    assert "Annulez, puis créez une nouvelle demande." in said(page)


# The page of a cancellation


def opened(user, made):
    client = signed_in(user)
    return client, form_with(client.get(address_of(made, "annuler")), CANCEL)


def at_the_limit(made, hours):
    """Move its start so that only so many hours are left, as if time had passed on the open page."""
    start = timezone.now() + hours * HOUR
    ServiceRequest.objects.filter(pk=made.pk).update(starts_at=start, ends_at=start + 2 * HOUR)


@pytest.mark.parametrize("user", [make.requester, make.coordinator])
def test_a_limit_that_passed_on_an_open_page_is_shown_before_anything_is_cancelled(user):
    made = coming()
    client, form = opened(user(), made)
    at_the_limit(made, 20)
    before = written(made)
    page = form.send(client, address_of(made, "annuler"), reason="by_requester")
    assert (page.status_code, written(made)) == (409, before)
    assert "La conséquence a changé." in said(page) and "reçoit 82,00 $" in said(page)
    answer = form_with(page, CANCEL).send(client, address_of(made, "annuler"), reason="by_requester")
    assert (answer.status_code, fresh(made).status) == (302, Status.CANCELLED)


def test_a_communication_made_meanwhile_is_shown_before_anything_is_cancelled():
    made = coming(are_communications_requested=True)
    client, form = opened(make.requester(), made)
    make.communication(made, made_at=ago(1))
    page = form.send(client, address_of(made, "annuler"))
    assert (page.status_code, "reçoit 10,25 $" in said(page)) == (409, True)


def test_an_absent_interpreter_is_paid_nothing_and_the_page_says_so_first():
    made = coming(starts_at=ago(1))
    client, form = opened(make.coordinator(), made)
    page = form.send(client, address_of(made, "annuler"), reason="interpreter_absent", note="Appel reçu")
    assert (page.status_code, "Annulation sans frais" in said(page)) == (409, True)
    answer = form_with(page, CANCEL).send(client, address_of(made, "annuler"))
    assert (answer.status_code, fresh(made).cancellation_reason) == (302, "interpreter_absent")


@pytest.mark.parametrize("is_alone", [True, False])
def test_a_choice_of_ones_own_is_not_said_to_be_somebody_elses_change(is_alone):
    made = coming(starts_at=ago(1), are_communications_requested=True)
    client, form = opened(make.coordinator(), made)
    if not is_alone:
        make.communication(made, made_at=ago(2))
    page = form.send(client, address_of(made, "annuler"), reason="interpreter_absent", note="Appel reçu")
    own, others = "Avec ce motif et cet avis, voici ce qui arrive.", "La conséquence a changé."
    assert (page.status_code, own in said(page), others in said(page)) == (409, is_alone, not is_alone)


def test_an_offer_sent_meanwhile_is_shown_before_anything_is_cancelled():
    made = coming(make.pending, make.alice())
    client, form = opened(make.requester(), made)
    made.offers.create(interpreter=make.bob(), sent_at=ago(1), answer_by=ahead(1))
    page = form.send(client, address_of(made, "annuler"))
    assert (page.status_code, fresh(made).status) == (409, Status.PENDING)
    assert form_with(page, CANCEL).send(client, address_of(made, "annuler")).status_code == 302


def test_an_offer_sent_meanwhile_is_shown_before_anything_is_modified():
    made = coming(make.pending, make.alice())
    client, page = save(make.requester(), made, duration="2 h")
    made.offers.create(interpreter=make.bob(), sent_at=ago(1), answer_by=ahead(1))
    again = form_with(page, CONFIRM).send(client, address_of(made))
    assert (again.status_code, fresh(made).booked_minutes) == (409, 90)


def test_a_communication_made_after_an_earlier_notice_is_paid_neither_before_nor_after_confirming():
    made, notice = coming(are_communications_requested=True), ago(2)
    for made_at in (notice, ago(1)):
        make.communication(made, made_at=made_at)
    given = {"by": make.coordinator(), "received_at": notice, "reason": CancellationReason.BY_REQUESTER}
    announced = consequences.of_cancellation(made, **given).billable
    priced = cancellation_preview(made, at=notice).total
    services.cancel(made, at=timezone.now(), note="Appel reçu", **given)
    now = fresh(made)
    held = sum(is_communication_billable(now, row) for row in now.communications.all())
    assert (announced, str(priced), held) == (1, "10.25", 1)


@pytest.mark.parametrize("seen", ["", "late 0", "x" * 5000, "\x00", None])
def test_a_page_that_showed_something_else_cancels_nothing(seen):
    made = coming()
    client, form = opened(make.requester(), made)
    assert form.send(client, address_of(made, "annuler"), seen=seen).status_code == 409
    assert fresh(made).status == Status.RESERVED


def test_the_page_of_a_cancellation_says_who_is_told():
    made = coming(make.pending, make.alice(), make.bob())
    text = said(signed_in(make.coordinator()).get(address_of(made, "annuler")))
    assert "Alice Nom-de-Alice, par courriel La demande ne lui est plus offerte" in text
    assert "Rita Nom-de-Rita, par courriel La demande est annulée" in text


@pytest.mark.parametrize(("build", "name"), [(make.reserved, "non-alloue"), (make.cancelled, "retablir")])
def test_the_pages_with_a_note_say_who_is_told(build, name):
    made = coming(build)
    text = said(signed_in(make.coordinator()).get(f"/bi/demandes/{made.pk}/{name}/"))
    assert "Qui est prévenu" in text and "Alice Nom-de-Alice, par courriel" in text and "Rita Nom-de-Rita" in text
