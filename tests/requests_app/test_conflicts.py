"""A second save on a request that someone changed (reliability, B5): the difference is shown, and nothing is lost."""

from datetime import timedelta
from itertools import product

import pytest

from requests_app import conflicts, offers, services
from requests_app.conflicts import Verdict
from requests_app.models import ServiceRequest
from requests_app.workflow import Status
from tests import make
from tests.pages import ago, ahead, errors, form_with, said, signed_in, written

pytestmark = pytest.mark.django_db
SAVE, CONFIRM = "Enregistrer la modification", "Confirmer la modification"

# A field of the form: what the other person makes of it (as the verb takes it), what is typed here, what is then kept.
OTHER_PLACE = "Pavillon D"
FIELDS = {
    "service_type": ("video", "phone", "phone"),
    "language": (lambda: make.language("arabe"), lambda: make.language("farsi").pk, "farsi"),
    "facility": (lambda: make.facility("Pavillon C"), lambda: make.facility(OTHER_PLACE).pk, OTHER_PLACE),
    "professional_name": ("Dre Un", "Dre Deux", "Dre Deux"),
    "professional_phone": ("514-555-0101", "514-555-0102", "514-555-0102"),
    "patient_name": ("Usager Un", "Usager Deux", "Usager Deux"),
    "patient_phone": ("514-555-0103", "514-555-0104", "514-555-0104"),
    "patient_file_number": ("UN-1", "DEUX-2", "DEUX-2"),
    "instructions": ("Porte 1", "Porte 2\r\nEscalier B", "Porte 2\nEscalier B"),
    "are_communications_requested": (True, "on", True),
}
NAMES = list(FIELDS)


def given(value):
    return value() if callable(value) else value


def shown(made, name):
    value = getattr(ServiceRequest.objects.get(pk=made.pk), name)
    return getattr(value, "code", None) or getattr(value, "name", value)


def address_of(made):
    return f"/demandes/{made.pk}/modifier/"


def coming(build=make.unallocated):
    return build(at=ago(3), starts_at=ahead())


def opened(made, user=make.requester):
    client = signed_in(user())
    return client, form_with(client.get(address_of(made)), SAVE)


def others_change(made, **fields):
    services.modify(made, by=make.coordinator(), at=ago(1), note="Entente", **fields)


# Three ways, for every pair of fields


@pytest.mark.parametrize("theirs", NAMES)
def test_a_change_of_each_side_survives_a_second_save(theirs):
    mine = NAMES[NAMES.index(theirs) - 1]
    made = coming()
    client, form = opened(made)
    others_change(made, **{theirs: given(FIELDS[theirs][0])})
    after_theirs, before = shown(made, theirs), written(made)
    page = form.send(client, address_of(made), **{mine: given(FIELDS[mine][1])})
    assert (page.status_code, written(made)) == (409, before)
    form_with(page, SAVE).send(client, address_of(made))
    assert (shown(made, theirs), shown(made, mine)) == (after_theirs, FIELDS[mine][2])


@pytest.mark.parametrize("name", NAMES[:-1])
def test_one_field_changed_on_both_sides_is_decided_by_a_second_knowing_save(name):
    made = coming()
    client, form = opened(made)
    others_change(made, **{name: given(FIELDS[name][0])})
    before = written(made)
    page = form.send(client, address_of(made), **{name: given(FIELDS[name][1])})
    assert (page.status_code, written(made)) == (409, before)
    assert "Changé des deux côtés : votre saisie est dans le formulaire" in said(page)
    form_with(page, SAVE).send(client, address_of(made))
    assert shown(made, name) == FIELDS[name][2]


@pytest.mark.parametrize(("theirs", "mine"), list(product(("date", "start_time", "duration", "language"), repeat=2)))
def test_every_pair_has_its_verdict(theirs, mine):
    opened_on = dict.fromkeys(("date", "start_time", "duration", "language"), "a")
    now, typed = opened_on | {theirs: "b"}, opened_on | {mine: "c"}
    expected = {theirs: Verdict.THEIRS, mine: Verdict.MINE} if theirs != mine else {theirs: Verdict.BOTH}
    assert conflicts.verdicts(opened_on, now, typed) == expected


def test_the_same_change_on_both_sides_is_said_as_such():
    assert conflicts.verdicts({"a": "1"}, {"a": "2"}, {"a": "2"}) == {"a": Verdict.SAME}


def test_what_was_opened_on_unknown_values_overwrites_nothing_unseen():
    assert conflicts.verdicts({}, {"a": "1", "b": "2"}, {"a": "1", "b": "3"}) == {"b": Verdict.BOTH}


# The page


def test_the_difference_is_shown_in_words_with_who_and_when():
    made = coming(make.reserved)
    client, form = opened(made)
    others_change(made, starts_at=ahead(15), ends_at=ahead(15) + make.LENGTH, patient_name="Usager Un")
    text = said(form.send(client, address_of(made), language=make.language("arabe").pk, patient_name="Usager Deux"))
    assert "La demande a changé depuis que vous l’avez ouverte." in text and "Modifiée, le" in text
    assert "par BI du RSSS" in text and "Usager Ulric Vandemoortele Usager Un Usager Deux Changé des deux côtés" in text
    assert "Langue espagnol espagnol arabe Vous seul(e) l’avez changé" in text
    assert "Date" in text and "Vous n’y avez pas touché : la valeur de maintenant est gardée." in text


def test_the_form_shown_again_is_on_the_request_as_it_is():
    made = coming()
    client, form = opened(made)
    others_change(made, ends_at=made.ends_at + timedelta(minutes=30), patient_name="Usager Un")
    page = form.send(client, address_of(made), patient_name="Usager Deux")
    kept = form_with(page, SAVE).fields
    fresh = ServiceRequest.objects.get(pk=made.pk)
    assert (kept["version"], kept["patient_name"], kept["duration"]) == (str(fresh.version), "Usager Deux", "2\u00a0h")


def test_a_note_typed_is_kept():
    made = coming()
    client, form = opened(made, make.coordinator)
    others_change(made, patient_name="Usager Un")
    page = form.send(client, address_of(made), note="Alice est d’accord")
    assert form_with(page, SAVE).fields["note"] == "Alice est d’accord"


def test_a_change_made_while_the_consequence_was_read_is_a_conflict_too():
    made = coming(make.reserved)
    client, form = opened(made)
    seen = form.send(client, address_of(made), patient_phone="514-555-0104")
    others_change(made, patient_name="Usager Un")
    before = written(made)
    page = form_with(seen, CONFIRM).send(client, address_of(made))
    assert (page.status_code, written(made), "Usager Un" in said(page)) == (409, before, True)
    assert form_with(page, SAVE).fields["patient_phone"] == "514-555-0104"


UNTRUSTED = ["", "x", "[]", "{", '{"date": 3}', '{"duration": "x", "date": "y"}', '{"language": "\\u0000"}']
UNTRUSTED += [
    f'{{"{name}": "{value}"}}' for name in ("patient_name", "x", "\\ud800") for value in ("\\ud83d", "a\\u0000")
]


@pytest.mark.parametrize("text", [*UNTRUSTED, "[" * 9000, "\x00"])
def test_what_nobody_served_is_not_trusted_and_breaks_nothing(text):
    made = coming()
    client, form = opened(made)
    others_change(made, patient_name="Usager Un")
    page = form.send(client, address_of(made), opened=text, language=make.language("arabe").pk, patient_name="Deux")
    assert (page.status_code, shown(made, "patient_name")) == (409, "Usager Un")


def test_an_error_beside_a_field_comes_before_the_difference():
    made = coming()
    client, form = opened(made)
    others_change(made, patient_name="Usager Un")
    page = form.send(client, address_of(made), duration="x")
    assert (page.status_code, list(errors(page))) == (422, ["duration"])
    assert form_with(page, SAVE).send(client, address_of(made), duration="2 h").status_code == 409


# The other pages say who changed what, and what was typed


def test_a_cancellation_refused_says_who_changed_what_and_what_was_chosen():
    made, client = coming(make.reserved), signed_in(make.coordinator())
    form = form_with(client.get(f"/demandes/{made.pk}/annuler/"), "Annuler la demande")
    services.modify(made, by=make.requester(), at=ago(1), patient_name="Usager Un")
    typed = {"reason": "bi_error", "note": "Oui"}
    page = form.send(client, f"/demandes/{made.pk}/annuler/", **typed)
    text = said(page)
    assert (page.status_code, "Modifiée" in text, "Rita Nom-de-Rita" in text) == (409, True, True)
    assert "Ce que vous aviez saisi Motif Erreur de la BI Note Oui" in text


def test_an_offer_refused_names_the_people_chosen():
    made, client = coming(), signed_in(make.coordinator())
    bob, version = make.bob(), made.version
    offers.offer(made, [make.alice()], by=make.coordinator(), at=ago(1), answer_by=ahead(1))
    offers.accept(made, by=make.alice(), at=ago(1))
    page = client.post(f"/bi/demandes/{made.pk}/offrir/", {"version": version, "interpreters": [bob.pk]})
    assert (page.status_code, "Interprètes Bob Nom-de-Bob" in said(page)) == (409, True)
    assert "Acceptée par Alice Nom-de-Alice" in said(page)


def test_a_modification_refused_names_what_was_chosen():
    made = coming()
    client, form = opened(made)
    services.cancel(made, by=make.coordinator(), at=ago(1), reason="bi_error")
    page = form.send(client, address_of(made), language=make.language("arabe").pk, service_type="video")
    assert (page.status_code, ServiceRequest.objects.get(pk=made.pk).status) == (409, Status.CANCELLED)
    assert "Langue arabe" in said(page) and "Interprétation par visioconférence" in said(page)


def test_a_requester_learns_the_name_of_nobody_they_could_not_choose():
    made, client = coming(), signed_in(make.requester())
    elsewhere = make.facility("Pavillon secret", of=make.other_institution())
    services.cancel(made, by=make.coordinator(), at=ago(1), reason="bi_error")
    typed = {"version": 1, "interpreter": make.alice().pk, "facility": elsewhere.pk}
    text = said(client.post(address_of(made), typed))
    assert ("Nom-de-Alice" in text, "Pavillon secret" in text) == (False, False)
