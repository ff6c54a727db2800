"""« Modifier la demande » and « Annuler la demande », by the requester and by the coordinator."""

from datetime import timedelta

import pytest
from django.utils import timezone

from requests_app.models import ServiceRequest
from requests_app.workflow import Status
from tests import make
from tests.pages import ago, ahead, errors, form_with, press, said, signed_in, written

pytestmark = pytest.mark.django_db
SAVE, RELEASE = "Enregistrer la modification", "Modifier et remettre en non alloué"
CONFIRM = "Confirmer la modification"


def coming(build=make.unallocated, *interpreters, starts_at=None, **fields):
    return build(*interpreters, at=ago(3), starts_at=starts_at or ahead(), **fields)


def address_of(made):
    return f"/demandes/{made.pk}/modifier/"


def modify(user, made, **typed):
    """Save, then confirm when the page asks."""
    client = signed_in(user)
    return confirmed(client, made, press(client, address_of(made), SAVE, **typed))


def confirmed(client, made, page):
    return form_with(page, CONFIRM).send(client, address_of(made)) if page.status_code == 200 else page


def fresh(made):
    return ServiceRequest.objects.get(pk=made.pk)


# Modifying


def test_the_form_shows_the_request_as_it_is():
    made = coming(make.reserved)
    kept = form_with(signed_in(make.requester()).get(address_of(made)), SAVE).fields
    assert (kept["date"], kept["start_time"], kept["duration"]) == (
        f"{ahead():%Y-%m-%d}",
        "13\u00a0h",
        "1\u00a0h\u00a030",
    )
    assert {name: kept[name] for name in make.PERSONAL} == make.PERSONAL


@pytest.mark.parametrize("user", [make.requester, make.coordinator])
def test_the_form_sent_as_it_is_changes_nothing(user):
    made = coming(make.reserved)
    before = written(made)
    client = signed_in(user())
    answer = press(client, address_of(made), SAVE)
    assert (written(made), "Rien n’a changé." in said(client.get(answer.url))) == (before, True)


def test_a_translation_sent_as_it_is_changes_nothing():
    long = {"service_type": "translation", "facility": None, "ends_at": ahead() + timedelta(days=3)}
    made = coming(**long)
    before = written(made)
    modify(make.requester(), made)
    assert written(made) == before


def test_a_request_nobody_has_is_changed_and_stays_unallocated():
    made = coming()
    modify(make.requester(), made, start_time="15h")
    assert (fresh(made).starts_at, fresh(made).status) == (ahead(hour=15), Status.UNALLOCATED)


def test_a_reserved_request_becomes_modified_and_stays_with_its_interpreter():
    made = coming(make.reserved)
    modify(make.requester(), made, duration="2 h")
    assert (fresh(made).status, fresh(made).interpreter) == (Status.MODIFIED, make.alice())


def test_the_change_is_announced_before_it_is_made():
    page = signed_in(make.requester()).get(address_of(coming(make.reserved)))
    assert "Alice Nom-de-Alice a cette demande : la modification lui sera annoncée" in said(page)


def test_the_interpreter_reads_before_and_now():
    made = coming(make.reserved)
    modify(make.requester(), made, duration="2 h", patient_name="Autre personne")
    page = said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))
    day = f"{ahead().day}"
    assert "Ce qui a changé Champ Avant Maintenant Fin" in page and "14 h 30" in page and "15 h" in page and day in page
    assert "Usager modifié : à relire" in page


def test_a_text_of_several_lines_sent_as_a_browser_does_has_not_changed():
    made = coming(make.reserved, instructions="Porte 2\nEscalier B")
    modify(make.requester(), made, duration="2 h", instructions="Porte 2\r\nEscalier B")
    page = said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))
    assert (fresh(made).instructions, "Consignes modifiées" in page) == ("Porte 2\nEscalier B", False)


def test_instructions_that_changed_are_to_be_read_again():
    made = coming(make.reserved, instructions="Porte 2")
    modify(make.requester(), made, instructions="Porte 3\r\nEscalier B")
    page = said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))
    assert fresh(made).instructions == "Porte 3\nEscalier B" and "Consignes modifiées : à relire" in page


def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_written():
    made = coming(make.reserved)
    before = written(made)
    page = modify(make.requester(), made, duration="x", patient_name="Autre personne")
    assert (page.status_code, list(errors(page)), written(made)) == (422, ["duration"], before)
    assert form_with(page, SAVE).fields["patient_name"] == "Autre personne"


def test_another_start_is_not_in_the_past():
    made = coming(make.reserved)
    page = modify(make.requester(), made, date=f"{ago(1):%Y-%m-%d}")
    assert (page.status_code, errors(page)) == (422, {"start_time": "Erreur : Le début doit être dans le futur."})


def test_the_text_of_a_request_already_started_may_still_be_corrected():
    made = coming(make.reserved, starts_at=ago(1))
    modify(make.requester(), made, patient_name="Autre personne")
    assert fresh(made).patient_name == "Autre personne"


def test_extra_fields_of_a_post_are_ignored():
    made = coming(make.reserved)
    modify(make.requester(), made, duration="2 h", status="completed", interpreter="", requested_by=1, institution=2)
    now = fresh(made)
    assert (now.status, now.interpreter, now.requested_by) == (Status.MODIFIED, make.alice(), make.requester())
    assert now.institution == make.institution()


# Ruling 11


def soon(build=make.reserved, **fields):
    """In less than a day: a late change, whatever the day of the week."""
    start = (timezone.now() + timedelta(hours=20)).replace(minute=0, second=0, microsecond=0)
    return build(at=ago(3), starts_at=start, **fields)


def test_a_requester_is_told_that_it_is_too_late_and_keeps_what_was_typed():
    made = soon()
    before = written(made)
    page = modify(make.requester(), made, duration="45", patient_name="Autre personne")
    assert (page.status_code, written(made)) == (409, before)
    assert "Annulez, puis créez une nouvelle demande. La modification n’est pas enregistrée." in said(page)
    assert form_with(page, SAVE).fields["patient_name"] == "Autre personne"


def test_a_coordinator_notes_the_agreement_of_the_interpreter_to_a_late_change():
    made = soon()
    page = modify(make.coordinator(), made, duration="45")
    sentence = "Il reste moins de 48 h ouvrables : notez l’accord de l’interprète."
    assert (page.status_code, errors(page)) == (422, {"note": f"Erreur : {sentence}"})
    client = signed_in(make.coordinator())
    page = form_with(page, SAVE).send(client, address_of(made), note="Alice est d’accord")
    confirmed(client, made, page)
    assert (fresh(made).booked_minutes, fresh(made).guaranteed_minutes) == (45, 90)


def overlapping():
    """Two requests of Alice, an hour apart: the second cannot move to the hour of the first."""
    coming(make.reserved, starts_at=ahead(hour=10))
    return coming(make.reserved)


def test_an_overlap_is_refused_and_the_typed_hour_kept():
    made = overlapping()
    before = written(made)
    page = modify(make.coordinator(), made, start_time="11h")
    assert (page.status_code, written(made)) == (409, before)
    assert "L’interprète a déjà une demande à ce moment. La modification n’est pas enregistrée." in said(page)
    assert form_with(page, SAVE).fields["start_time"] == "11h"


def test_an_overlap_offers_to_modify_and_release():
    made = overlapping()
    page, client = modify(make.coordinator(), made, start_time="11h"), signed_in(make.coordinator())
    page = form_with(page, RELEASE).send(client, address_of(made), note="Entente", release="1")
    answer = confirmed(client, made, page)
    now = fresh(made)
    assert (answer.status_code, now.status, now.interpreter, now.starts_at) == (
        302,
        Status.UNALLOCATED,
        None,
        ahead(hour=11),
    )


def test_modify_and_release_asks_for_a_note_and_offers_itself_again():
    made = overlapping()
    page = modify(make.coordinator(), made, start_time="11h", release="1")
    assert (page.status_code, errors(page)) == (422, {"note": "Erreur : Une note est requise."})
    assert RELEASE in form_with(page, SAVE).buttons


def test_a_requester_is_not_offered_to_release():
    page = modify(make.requester(), overlapping(), start_time="11h", release="1")
    assert (page.status_code, RELEASE in said(page)) == (409, False)


# Stale


@pytest.mark.parametrize("version", ["", "0", "-1", "abc", "9" * 40, None])
def test_a_form_without_its_version_writes_nothing(version):
    made = coming(make.reserved)
    before = written(made)
    page = modify(make.requester(), made, duration="2 h", version=version)
    assert (page.status_code, written(made)) == (422, before)
    assert "Rouvrez la page" in said(page)


# Who, and when


@pytest.mark.parametrize("name", ["modifier", "annuler"])
@pytest.mark.parametrize(("user", "status"), [(make.alice, 403), (make.validator, 403), (make.other_requester, 404)])
def test_the_pages_of_a_request_are_closed_to_others(name, user, status):
    made, client = coming(make.reserved), signed_in(user())
    before, address = written(made), f"/demandes/{made.pk}/{name}/"
    given = {"version": made.version, "reason": "by_requester"}
    assert (client.get(address).status_code, client.post(address, given).status_code) == (status, status)
    assert written(made) == before


@pytest.mark.parametrize("name", ["modifier", "annuler"])
@pytest.mark.parametrize("build", [make.provided, make.cancelled, make.completed])
def test_a_request_provided_or_cancelled_is_neither_modified_nor_cancelled(name, build):
    made, client = build(at=ago(9), starts_at=ago(3)), signed_in(make.requester())
    before, address = written(made), f"/demandes/{made.pk}/{name}/"
    page = client.get(address)
    assert (page.status_code, "Rien n’a été changé" in said(page)) == (409, True)
    assert (client.post(address, {"version": made.version}).status_code, written(made)) == (409, before)
