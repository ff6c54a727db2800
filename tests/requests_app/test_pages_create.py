"""« Nouvelle demande »: what a coordinator and a requester type, and what the page says when it cannot be."""

import pytest

from requests_app.models import ServiceRequest
from requests_app.workflow import Status
from tests import make
from tests.pages import ago, ahead, errors, form_with, said, signed_in

pytestmark = pytest.mark.django_db
ADDRESS = "/demandes/nouvelle/"


def of_institution():
    return f"{ADDRESS}?institution={make.institution().pk}"


def typed(**fields):
    """What people type for a service in person in two weeks."""
    return {
        "service_type": "on_site",
        "language": make.language().pk,
        "facility": make.facility().pk,
        "date": f"{ahead():%Y-%m-%d}",
        "start_time": "13 h",
        "duration": "1 h 30",
        "patient_name": "U. V.",
        **fields,
    }


def create(user, address=ADDRESS, **fields):
    client = signed_in(user)
    make.facility()
    return form_with(client.get(address), "Créer la demande").send(client, address, **typed(**fields))


def made():
    return ServiceRequest.objects.get()


def test_a_coordinator_first_says_for_which_institution():
    page = signed_in(make.coordinator()).get(ADDRESS)
    assert (page.status_code, "Établissement" in said(page), "Continuer" in said(page)) == (200, True, True)


def test_an_institution_that_does_not_exist_is_asked_again():
    page = signed_in(make.coordinator()).get(f"{ADDRESS}?institution=999999")
    assert (page.status_code, list(errors(page))) == (422, ["institution"])


def test_a_coordinator_creates_a_request_for_the_institution_chosen():
    answer = create(make.coordinator(), of_institution())
    assert answer.url == f"/demandes/{made().pk}/"
    assert (made().status, made().institution, made().requested_by) == (
        Status.UNALLOCATED,
        make.institution(),
        make.coordinator(),
    )


def test_a_requester_creates_a_request_of_their_own_institution():
    create(make.requester())
    assert made().institution == make.requester().institution


def test_a_requester_is_not_asked_for_the_institution_and_cannot_choose_another():
    create(make.requester(), f"{ADDRESS}?institution={make.other_institution().pk}")
    assert made().institution == make.requester().institution


def test_a_request_keeps_what_was_typed():
    create(make.requester(), instructions="Porte 2", are_communications_requested="on", professional_name="Dre Roy")
    kept = made()
    assert (kept.starts_at, kept.booked_minutes, kept.patient_name) == (ahead(), 90, "U. V.")
    assert (kept.instructions, kept.are_communications_requested, kept.professional_name) == (
        "Porte 2",
        True,
        "Dre Roy",
    )


@pytest.mark.parametrize("text", ["13h", "13 h 00", "13.00", "13:00", "1300"])
def test_the_start_is_read_as_people_type_it(text):
    create(make.requester(), start_time=text)
    assert made().starts_at == ahead()


@pytest.mark.parametrize(("text", "minutes"), [("90", 90), ("90 min", 90), ("1h30", 90), ("2 h", 120), ("45m", 45)])
def test_the_duration_is_read_as_people_type_it(text, minutes):
    create(make.requester(), duration=text)
    assert made().booked_minutes == minutes


def test_a_translation_has_days_and_no_place():
    create(make.requester(), service_type="translation", facility="", duration="3 j")
    assert (made().booked_minutes, made().facility) == (3 * 24 * 60, None)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("service_type", "", "Ce champ est obligatoire."),
        ("language", "", "Ce champ est obligatoire."),
        ("facility", "", "Choisissez l’installation où le service a lieu."),
        ("date", "demain", "Saisissez une date valide."),
        ("date", "2199-01-01", "Cette date est trop éloignée."),
        ("date", "9999-12-31", "La date du 31 décembre 9999 est trop éloignée."),
        ("start_time", "tantôt", "Écrivez l’heure ainsi : 14 h 10."),
        ("start_time", "25h", "Cette heure n’existe pas : elle va de 0 h à 23 h 59."),
        ("duration", "longtemps", "Écrivez la durée ainsi : 1 h 30, 90 (minutes) ou 3 j."),
        ("duration", "0", "Écrivez la durée ainsi : 1 h 30, 90 (minutes) ou 3 j."),
        ("duration", "13 h", "Un service parlé dure 12 h au plus."),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(field, value, sentence):
    page = create(make.requester(), **{field: value})
    assert (page.status_code, errors(page)) == (422, {field: f"Erreur : {sentence}"})
    assert not ServiceRequest.objects.exists()


def test_what_was_typed_is_kept_beside_an_error():
    page = create(make.requester(), duration="longtemps", instructions="Porte « 2 » & suite")
    kept = form_with(page, "Créer la demande").fields
    assert (kept["duration"], kept["instructions"], kept["start_time"]) == ("longtemps", "Porte « 2 » & suite", "13 h")
    assert (kept["service_type"], kept["facility"]) == ("on_site", str(make.facility().pk))


def test_an_error_comes_first_in_the_title_and_in_a_summary():
    page = create(make.requester(), duration="")
    assert "<title>Erreur&nbsp;: Nouvelle demande" in page.content.decode()
    assert "Il y a un problème Durée : Ce champ est obligatoire." in said(page)


def test_a_requester_cannot_ask_for_the_past():
    page = create(make.requester(), date=f"{ago(1):%Y-%m-%d}")
    assert (page.status_code, errors(page)) == (422, {"start_time": "Erreur : Le début doit être dans le futur."})


def test_a_coordinator_explains_a_start_already_past():
    page = create(make.coordinator(), of_institution(), date=f"{ago(1):%Y-%m-%d}")
    sentence = "Erreur : Le début est déjà passé : une note est requise."
    assert (page.status_code, errors(page)) == (422, {"note": sentence})


def test_a_coordinator_enters_a_past_start_with_a_note():
    create(make.coordinator(), of_institution(), date=f"{ago(1):%Y-%m-%d}", note="Appel de nuit")
    assert (made().starts_at, made().transitions.get().note) == (ago(1), "Appel de nuit")


def test_a_facility_of_another_institution_is_refused():
    elsewhere = make.facility("Pavillon d’ailleurs", of=make.other_institution())
    page = create(make.requester(), facility=elsewhere.pk)
    assert (page.status_code, list(errors(page))) == (422, ["facility"])


def test_an_hour_that_the_clocks_skip_is_an_error_beside_the_time():
    page = create(make.coordinator(), of_institution(), date="2026-03-08", start_time="2h30", note="Essai")
    assert page.status_code == 422
    assert errors(page)["start_time"].startswith("Erreur : L’heure 2 h 30 n’existe pas le 8 mars 2026 :")


def test_extra_fields_of_a_post_are_ignored():
    create(make.requester(), status="completed", interpreter=make.alice().pk, institution=2, requested_by=1, version=9)
    assert (made().status, made().interpreter, made().version) == (Status.UNALLOCATED, None, 1)
    assert (made().institution, made().requested_by) == (make.institution(), make.requester())


@pytest.mark.parametrize("user", [make.alice, make.validator, make.administrator])
def test_others_do_not_create_requests(user):
    client = signed_in(user())
    assert (client.get(ADDRESS).status_code, client.post(of_institution(), typed()).status_code) == (403, 403)
    assert not ServiceRequest.objects.exists()


def test_a_request_over_the_clock_change_lasts_as_long_as_typed():
    night = "2027-11-07"  # the clock goes back at 2 h
    create(make.requester(), ADDRESS, date=night, start_time="0 h 30", duration="2 h")
    assert made().booked_minutes == 120


def test_a_message_relay_names_no_patient():
    page = create(make.requester(), ADDRESS, service_type="message_relay", facility="")
    assert (page.status_code, list(errors(page))) == (422, ["patient_name"])


def test_a_year_typed_wrong_is_refused_beside_the_date():
    page = create(make.coordinator(), of_institution(), date="0202-11-12", note="Service déjà rendu")
    assert (page.status_code, errors(page)) == (422, {"date": "Erreur : La date du 12 novembre 202 est trop éloignée."})
