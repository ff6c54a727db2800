"""Creating and changing a request: what the interpreter has to see, and what comes too late (rulings 1 and 11)."""

from datetime import UTC, timedelta

import pytest

from accounts.models import User
from accounts.roles import Role
from requests_app import changes, moves, offers, services
from requests_app.models import Facility, ServiceRequest
from requests_app.workflow import Action, NotAllowed, ServiceType, Status
from tests import make
from tests.make import HOUR, LENGTH, MICROSECOND, NOW, START
from tests.pages import ago, ahead, form_with, signed_in

pytestmark = pytest.mark.django_db
LATER = NOW + HOUR
# START is a Thursday: the 48 business hours before it begin on the Tuesday at the same time.
LIMIT = START - timedelta(hours=48)
TOO_LATE = "Il reste moins de 48\u00a0h ouvrables. Annulez, puis créez une nouvelle demande."


def modify(service_request, by=None, at=LATER, **fields):
    services.modify(service_request, by=by or make.requester(), at=at, **fields)


def last_step(service_request):
    return service_request.transitions.order_by("id").last()


def told(user, service_request):
    about = f"request:{service_request.pk}"
    return list(user.notifications.filter(channel="email", about=about).order_by("id").values_list("topic", flat=True))


# Creating


def test_a_new_request_is_non_alloue():
    made = make.unallocated()
    assert (made.status, made.interpreter, made.requested_by) == (Status.UNALLOCATED, None, make.requester())


def test_a_requester_creates_nothing_in_the_past():
    with pytest.raises(NotAllowed, match="heure de début est passée"):
        make.unallocated(starts_at=NOW)
    assert not ServiceRequest.objects.exists()


def test_a_coordinator_enters_a_past_start_with_a_note():
    with pytest.raises(NotAllowed, match="une note est requise"):
        make.unallocated(by=make.coordinator(), starts_at=NOW - HOUR)
    made = make.unallocated(by=make.coordinator(), starts_at=NOW - HOUR, note="Garde de nuit")
    assert last_step(made).note == "Garde de nuit"


@pytest.mark.parametrize("give", [make.alice, make.validator, make.administrator])
def test_nobody_else_creates_a_request(give):
    with pytest.raises(NotAllowed, match="Votre rôle ne permet pas"):
        make.unallocated(by=give())


def test_a_requester_creates_for_their_own_establishment_only():
    with pytest.raises(NotAllowed, match="autre établissement"):
        make.unallocated(by=make.other_requester())


def test_a_request_takes_place_in_its_own_establishment():
    elsewhere = make.facility("Pavillon", of=make.other_institution())
    with pytest.raises(NotAllowed, match="n’appartient pas à l’établissement"):
        make.unallocated(facility=elsewhere)


def test_a_request_ends_after_it_starts():
    with pytest.raises(NotAllowed, match="La fin doit suivre le début"):
        make.unallocated(ends_at=START)


def test_a_service_on_site_has_a_place():
    with pytest.raises(NotAllowed, match="dans une installation"):
        make.unallocated(facility=None)
    assert make.unallocated(facility=None, service_type=ServiceType.VIDEO).status == Status.UNALLOCATED


# Modifying before anybody has it


@pytest.mark.parametrize("status", [Status.UNALLOCATED, Status.PENDING])
def test_changing_a_request_nobody_has_keeps_its_status(status):
    made = make.request(status)
    modify(made, ends_at=START + 2 * HOUR)
    made.refresh_from_db()
    assert (made.status, made.ends_at) == (status, START + 2 * HOUR)


def test_holders_of_open_offers_are_told_of_the_change_with_the_new_hour():
    made = make.pending(make.alice())
    modify(made, starts_at=START + HOUR, ends_at=START + 2 * HOUR)
    notice = make.alice().notifications.get(channel="email", topic="offer_changed")
    assert notice.context["hour"] == "14\u00a0h"


def test_the_holder_of_a_lapsed_offer_is_not_told_of_the_change():
    made = make.pending(make.alice(), answer_by=LATER)
    modify(made, instructions="Deuxième étage")
    assert told(make.alice(), made) == ["offered"]


def test_nothing_happens_when_nothing_differs():
    made = make.reserved()
    modify(made, starts_at=START, ends_at=START + LENGTH, **make.PERSONAL)
    assert (made.status, last_step(made).action) == (Status.RESERVED, Action.ACCEPT)


@pytest.mark.parametrize("status", [Status.PROVIDED, Status.CANCELLED, Status.COMPLETED])
def test_a_closed_request_is_not_modified(status):
    made = make.request(status)
    with pytest.raises(NotAllowed, match="cette action n’est pas possible"):
        modify(made, by=make.coordinator(), note="Entente", instructions="Deuxième étage")


@pytest.mark.parametrize("name", ["status", "interpreter", "institution", "guaranteed_minutes", "validated_by"])
def test_modifying_reaches_no_other_field(name):
    with pytest.raises(TypeError):
        modify(make.unallocated(), **{name: None})


@pytest.mark.parametrize(("give", "note"), [(make.requester, "Oubli"), (make.coordinator, "")])
def test_a_start_is_moved_to_the_past_by_a_coordinator_with_a_note_only(give, note):
    made = make.unallocated()
    with pytest.raises(NotAllowed, match="déjà passé"):
        modify(made, by=give(), note=note, starts_at=NOW)


def test_a_coordinator_corrects_a_past_start_with_a_note():
    made = make.unallocated()
    modify(made, by=make.coordinator(), note="Le service a déjà eu lieu", starts_at=NOW)
    assert made.starts_at == NOW


# « Modifié »


def test_a_change_to_a_reserved_request_is_shown_to_its_interpreter():
    made = make.reserved(make.alice())
    modify(made, starts_at=START + HOUR, ends_at=START + 3 * HOUR)
    assert (made.status, made.interpreter) == (Status.MODIFIED, make.alice())
    assert told(make.alice(), made)[-1] == "changed"
    assert set(changes.unseen(made)) == {"starts_at", "ends_at"}


def test_what_was_not_seen_yet_is_merged():
    made = make.reserved()
    modify(made, starts_at=START + HOUR, ends_at=START + 3 * HOUR)
    modify(made, starts_at=START + 2 * HOUR)
    before, after = changes.unseen(made)["starts_at"]
    assert (before, after) == (START.astimezone(UTC).isoformat(), (START + 2 * HOUR).astimezone(UTC).isoformat())


def test_what_was_changed_back_is_not_a_change():
    made = make.reserved()
    modify(made, ends_at=START + 2 * HOUR, instructions="Deuxième étage")
    modify(made, ends_at=START + LENGTH)
    assert changes.unseen(made) == {"instructions": None}


def test_what_was_acknowledged_is_not_shown_again():
    made = make.modified(make.alice())
    services.acknowledge(made, by=make.alice(), at=LATER)
    assert (made.status, changes.unseen(made)) == (Status.RESERVED, {})
    modify(made, instructions="Deuxième étage")
    assert changes.unseen(made) == {"instructions": None}


def test_what_changed_before_the_interpreter_accepted_is_not_news():
    made = make.pending(make.alice())
    modify(made, ends_at=START + 2 * HOUR)
    offers.accept(made, by=make.alice(), at=LATER)
    modify(made, instructions="Deuxième étage")
    assert changes.unseen(made) == {"instructions": None}


def test_only_its_interpreter_acknowledges():
    made = make.modified(make.alice())
    with pytest.raises(NotAllowed, match="ne vous est pas attribuée"):
        services.acknowledge(made, by=make.bob(), at=LATER)


def test_one_does_not_acknowledge_what_one_has_not_seen():
    made = make.modified(make.alice())
    seen = made.version
    modify(made, instructions="Deuxième étage")
    with pytest.raises(moves.Stale):
        services.acknowledge(made, by=make.alice(), at=LATER, version=seen)


def test_a_change_onto_another_booking_of_the_interpreter_is_refused():
    make.reserved(make.alice(), starts_at=START + 3 * HOUR)
    made = make.reserved(make.alice())
    with pytest.raises(moves.Overlap, match="déjà une demande à ce moment"):
        modify(made, starts_at=START + 2 * HOUR, ends_at=START + 4 * HOUR)
    assert ServiceRequest.objects.get(pk=made.pk).starts_at == START


def test_such_a_change_may_put_the_request_back_to_non_alloue():
    make.reserved(make.alice(), starts_at=START + 3 * HOUR)
    made, moved = make.reserved(make.alice()), {"starts_at": START + 2 * HOUR, "ends_at": START + 4 * HOUR}
    services.modify_and_release(made, by=make.coordinator(), at=LATER, note="Nouvel horaire", **moved)
    made.refresh_from_db()
    assert (made.status, made.interpreter, made.starts_at) == (Status.UNALLOCATED, None, START + 2 * HOUR)
    assert told(make.alice(), made)[-1] == "removed"


def test_a_stale_form_changes_nothing():
    made = make.unallocated()
    seen = made.version
    modify(made, instructions="Deuxième étage")
    with pytest.raises(moves.Stale):
        modify(made, version=seen, ends_at=START + 3 * HOUR)
    assert ServiceRequest.objects.get(pk=made.pk).ends_at == START + LENGTH


# Late changes (ruling 11)

LATE_CHANGES = {
    "another day": {"starts_at": START + timedelta(days=1), "ends_at": START + timedelta(days=1) + LENGTH},
    "shorter": {"ends_at": START + HOUR},
    "earlier": {"starts_at": START - HOUR, "ends_at": START - HOUR + LENGTH},
    "longer": {"ends_at": START + LENGTH + HOUR},
    "another service": {"service_type": ServiceType.VIDEO},
}


@pytest.mark.parametrize("fields", LATE_CHANGES.values(), ids=LATE_CHANGES)
def test_a_requester_cancels_rather_than_changes_late(fields):
    made = make.reserved()
    with pytest.raises(NotAllowed) as refusal:
        modify(made, at=LIMIT + MICROSECOND, **fields)
    assert str(refusal.value) == TOO_LATE
    assert last_step(made).action == Action.ACCEPT


def test_a_requester_does_not_change_the_language_late():
    with pytest.raises(NotAllowed, match="Annulez, puis créez"):
        modify(make.reserved(), at=LIMIT + MICROSECOND, language=make.language("arabe"))


@pytest.mark.parametrize(("late", "may"), [(-MICROSECOND, True), (timedelta(), True), (MICROSECOND, False)])
def test_48_business_hours_before_is_not_late(late, may):
    made = make.reserved()
    try:
        modify(made, at=LIMIT + late, ends_at=START + HOUR)
    except NotAllowed:
        assert not may
    assert (made.status == Status.MODIFIED) is may


def test_a_weekend_leaves_no_time_to_change():
    monday = make.local("2025-03-17 10:00")
    made = make.reserved(starts_at=monday)
    with pytest.raises(NotAllowed, match="Annulez, puis créez"):
        modify(made, at=make.local("2025-03-14 09:00"), ends_at=monday + HOUR)


@pytest.mark.parametrize("fields", [{"instructions": "Porte 4"}, {"patient_phone": "514-555-0100"}])
def test_a_requester_still_completes_the_instructions_late(fields):
    made = make.reserved()
    modify(made, at=START - HOUR, **fields)
    assert made.status == Status.MODIFIED


def test_a_request_nobody_has_is_changed_at_any_time():
    made = make.pending()
    modify(made, at=START - HOUR, ends_at=START + HOUR)
    assert (made.status, made.guaranteed_minutes) == (Status.PENDING, 0)


def test_a_coordinator_changes_late_with_the_interpreters_agreement_noted():
    made = make.reserved()
    with pytest.raises(NotAllowed, match="notez l’accord de l’interprète"):
        modify(made, by=make.coordinator(), at=START - HOUR, ends_at=START + HOUR)
    modify(made, by=make.coordinator(), at=START - HOUR, note="Accord d’Alice", ends_at=START + HOUR)
    assert (made.status, last_step(made).note) == (Status.MODIFIED, "Accord d’Alice")


def test_a_late_shortening_pays_what_was_booked():
    made = make.reserved()
    modify(made, by=make.coordinator(), at=START - HOUR, note="Accord", ends_at=START + HOUR)
    modify(made, by=make.coordinator(), at=START - HOUR, note="Accord", ends_at=START + HOUR / 2)
    made.refresh_from_db()
    assert (made.guaranteed_minutes, made.booked_minutes) == (90, 30)


def test_a_shortening_in_time_guarantees_nothing():
    made = make.reserved()
    modify(made, at=LIMIT, ends_at=START + HOUR)
    assert made.guaranteed_minutes == 0


def test_a_late_lengthening_guarantees_nothing():
    made = make.reserved()
    modify(made, by=make.coordinator(), at=START - HOUR, note="Accord", ends_at=START + 3 * HOUR)
    assert made.guaranteed_minutes == 0


def test_the_length_is_elapsed_time_over_the_change_of_clock():
    """The night of 9 March has 23 hours: from 23:00 to 07:00 are 7 hours, and to 06:59 are fewer."""
    night = make.local("2025-03-08 23:00")
    made = make.reserved(starts_at=night, ends_at=make.local("2025-03-09 07:00"))
    assert made.booked_minutes == 7 * 60
    at, by = night - HOUR, make.coordinator()
    modify(made, by=by, at=at, note="Accord", ends_at=make.local("2025-03-09 06:59"))
    assert made.guaranteed_minutes == 7 * 60


def test_another_day_announced_in_time_guarantees_nothing_any_more():
    made = make.reserved(starts_at=START, ends_at=START + 2 * LENGTH)
    late = START - HOUR
    modify(made, by=make.coordinator(), at=late, note="Accord au téléphone", ends_at=START + LENGTH)
    assert made.guaranteed_minutes == 180
    month = timedelta(days=30)
    modify(made, by=make.coordinator(), at=late, note="Accord", starts_at=START + month, ends_at=START + month + LENGTH)
    assert made.guaranteed_minutes == 180
    later = month + timedelta(days=1)
    modify(made, by=make.coordinator(), at=late, starts_at=START + later, ends_at=START + later + LENGTH)
    assert made.guaranteed_minutes == 0


def test_who_does_not_speak_the_new_language_loses_the_offer():
    made = make.pending(make.alice())
    modify(made, language=make.language("arabe"))
    assert made.status == Status.UNALLOCATED
    assert told(make.alice(), made)[-1] == "offer_gone"


def test_a_facility_closed_since_does_not_empty_the_request():
    made = make.reserved(at=ago(3), starts_at=ahead())
    Facility.objects.filter(pk=made.facility_id).update(is_active=False)
    client, address = signed_in(make.requester()), f"/demandes/{made.pk}/modifier/"
    page = form_with(client.get(address), "Enregistrer la modification").send(client, address, patient_name="Autre nom")
    form_with(page, "Confirmer la modification").send(client, address)
    made.refresh_from_db()
    assert (made.facility_id is not None, made.patient_name) == (True, "Autre nom")


def test_a_requester_who_left_is_replaced_by_the_colleagues():
    made = make.pending(make.alice())
    colleague = make.person("Renée", Role.REQUESTER, institution=make.institution())
    User.objects.filter(pk=made.requested_by_id).update(is_active=False)
    made.refresh_from_db()
    offers.accept(made, by=make.alice(), at=LATER)
    assert told(colleague, made) == ["taken"]
