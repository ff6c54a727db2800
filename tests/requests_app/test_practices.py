"""« Services et territoire »: what the BI writes, what the interpreter reads of it."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import AccountEvent
from requests_app import practices
from requests_app.sourcing import Practice
from requests_app.workflow import NotAllowed
from tests import make
from tests.make import NOW
from tests.pages import errors, press, said, signed_in

pytestmark = pytest.mark.django_db
GIVEN = {"service_types": ["phone", "on_site"], "regions": ["16", "13"], "reach_km": 80}


def change(by=None, **given):
    return practices.change_practice(make.alice(), by=by or make.coordinator(), at=NOW, **GIVEN | given)


def events():
    return AccountEvent.objects.filter(user=make.alice(), kind="practice_changed")


def page():
    return f"/bi/interpretes/{make.alice().pk}/services/"


def test_a_practice_is_written_once_and_then_changed():
    assert (change(), change(reach_km=90)) == (True, True)
    held = Practice.objects.get()
    assert (held.service_types, held.regions, held.reach_km) == (["on_site", "phone"], ["13", "16"], 90)


def test_what_changed_is_in_the_history_of_the_account():
    change()
    assert events().get().detail == "2\u00a0services, régions 13, 16, 80\u00a0km"


def test_saved_again_as_it_was_nothing_is_written():
    change()
    assert (change(), events().count()) == (False, 1)


def test_the_region_of_the_institution_goes_without_saying():
    change(regions=["06", "13"])
    assert Practice.objects.get().regions == ["13"]


@pytest.mark.parametrize("user", [make.alice, make.requester, make.validator, make.administrator])
def test_only_a_coordinator_changes_it(user):
    with pytest.raises(NotAllowed):
        change(user())


LIES = {
    "no service": ({"service_types": []}, "practice_has_a_service", "Choisissez au moins un service."),
    "no reach": ({"reach_km": 0}, "reach_is_plausible", "Le rayon est de 1 à 2000\u00a0km."),
    "too far": ({"reach_km": 2001}, "reach_is_plausible", "Le rayon est de 1 à 2000\u00a0km."),
}


@pytest.mark.parametrize(("lie", "constraint", "sentence"), LIES.values(), ids=LIES)
def test_the_database_refuses_a_lie_about_a_practice(lie, constraint, sentence):
    change()
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Practice.objects.update(**lie)
    with pytest.raises(ValidationError) as told:
        Practice(interpreter=make.bob(), **GIVEN | lie).validate_constraints()
    assert (refusal.value.__cause__.diag.constraint_name, told.value.messages) == (constraint, [sentence])


def test_every_constraint_of_a_practice_is_tried_here():
    assert {constraint for _, constraint, _ in LIES.values()} == {row.name for row in Practice._meta.constraints}


# The form


def test_the_form_opens_on_what_holds_for_everybody_and_saves():
    client, alice = signed_in(make.coordinator()), make.alice()
    answer = press(client, page(), "Sauvegarder", regions=["13"])
    held = Practice.objects.get()
    assert (answer.url, len(held.service_types), held.regions) == (f"/bi/interpretes/{alice.pk}/", 6, ["13"])
    assert held.reach_km == 50


BAD = {
    "no service": ({"service_types": None}, {"service_types"}),
    "an unknown service": ({"service_types": ["danse"]}, {"service_types"}),
    "the region of the institution": ({"regions": ["06"]}, {"regions"}),
    "a region that is none": ({"regions": ["99", "\x00"]}, {"regions"}),
    "no distance": ({"reach_km": ""}, {"reach_km"}),
    "a distance that is none": ({"reach_km": "1e9"}, {"reach_km"}),
    "further than Québec": ({"reach_km": "2001"}, {"reach_km"}),
}


@pytest.mark.parametrize(("typed", "beside"), BAD.values(), ids=BAD)
def test_what_cannot_be_is_said_beside_its_field(typed, beside):
    answer = press(signed_in(make.coordinator()), page(), "Sauvegarder", **typed)
    assert (answer.status_code, set(errors(answer)), Practice.objects.exists()) == (422, beside, False)


# What the interpreter reads


def test_an_interpreter_reads_their_own_and_is_told_whom_to_write_to():
    change()
    text = said(signed_in(make.alice()).get("/disponibilites/"))
    assert "Aussi dans 13 Laval, 16 Montérégie" in text and "80 km par la route" in text
    assert "Pour les changer, écrivez à la BI" in text


def test_without_one_an_interpreter_reads_what_holds_for_everybody():
    text = said(signed_in(make.bob()).get("/disponibilites/"))
    assert "Région 06 Montréal Rayon 50 km" in text and "Aussi dans" not in text
