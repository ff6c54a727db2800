"""« Modèles de message »: the closed list of variables, the texts they fill in, and what nobody reads through them."""

import random

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from requests_app import message_templates as texts
from requests_app import services
from requests_app.models import CancellationReason, Message, MessageTemplate
from requests_app.workflow import NotAllowed, ServiceType
from tests import make
from tests.counts import rounds
from tests.make import NOW
from tests.pages import ago, ahead, errors, form_with, forms, press, said, signed_in

NAMES = [variable.name for variable in texts.VARIABLES]
BOTH = list(texts.Audience)
PAGE = "/bi/modeles/"


# Variables


@pytest.mark.django_db
def test_a_template_is_filled_in_for_one_request():
    made = make.reserved()
    body = "{prenom}: {numero} {langue}, {date} {heure} ({duree}), {etablissement}, {secteur}, {service}"
    filled = texts.fill(body, texts.values_of(made, make.alice(), at=NOW)).replace("\u00a0", " ")
    assert filled == (
        f"Alice: {made.pk} espagnol, jeudi 6 mars 2025 13 h (1 h 30), CHUM, Montréal, interprétation en présence"
    )


@pytest.mark.django_db
def test_a_translation_is_due_at_the_end_of_its_days():
    ends_at = make.START + 3 * 24 * make.HOUR
    made = make.unallocated(service_type=ServiceType.TRANSLATION, ends_at=ends_at, facility=None)
    filled = texts.fill("{date} {duree}", texts.values_of(made, None, at=NOW)).replace("\u00a0", " ")
    assert filled == "dimanche 9 mars 2025 3 jours"


@pytest.mark.django_db
def test_A4_no_variable_says_anything_of_the_patient_or_of_the_professional():
    made = make.reserved()
    said_by_all = " ".join(texts.values_of(made, make.alice(), at=NOW).values())
    assert [secret for secret in [*make.PERSONAL.values(), made.facility.address] if secret in said_by_all] == []


@pytest.mark.django_db
def test_an_interpreter_from_whom_the_place_is_hidden_reads_its_area_only():
    made = make.reserved(at=NOW)
    services.cancel(made, by=make.requester(), at=NOW, reason=CancellationReason.BY_REQUESTER)
    of = {side: texts.values_of(made, side, at=NOW)["etablissement"] for side in (make.alice(), None)}
    assert of == {make.alice(): "Montréal", None: "CHUM"}


@pytest.mark.parametrize("body", ["{numero}", "{ Numéro }", "{DURÉE} et {établissement}", "Sans variable"])
@pytest.mark.parametrize("audience", BOTH)
def test_a_variable_is_read_with_or_without_its_accents(body, audience):
    assert texts.faults_of(body, audience) == []
    assert "{" not in texts.fill(body, texts.sample())


BAD = {
    "unknown": ("Bonjour {patient}", "«\u00a0{patient}\u00a0» n’est pas une variable."),
    "empty": ("{}", "«\u00a0{}\u00a0» n’est pas une variable."),
    "open": ("Le {date", "Une accolade est seule\u00a0: une variable s’écrit entre deux accolades, {numero}."),
    "closed": ("Le date}", "Une accolade est seule\u00a0: une variable s’écrit entre deux accolades, {numero}."),
    "doubled": ("{{date}}", "Une accolade est seule\u00a0: une variable s’écrit entre deux accolades, {numero}."),
}


@pytest.mark.parametrize(("body", "sentence"), BAD.values(), ids=BAD)
def test_braces_that_say_nothing_are_named_with_the_variables_that_exist(body, sentence):
    first, *_, last = texts.faults_of(body, "interpreter")
    assert first == sentence
    assert [name for name in NAMES if f"{{{name}}}" not in last] == []


def test_the_first_name_of_an_interpreter_is_not_for_a_requester():
    first, last = texts.faults_of("Bonjour {prenom}", "requester")
    assert ("{prenom}" in first, "{prenom}" in last) == (True, False)


def test_a_text_that_could_not_be_sent_once_filled_in_is_refused():
    assert texts.faults_of("{etablissement}" * 34, "interpreter")
    assert texts.faults_of("{etablissement}" * 33, "interpreter") == []


def drawn(draw) -> str:
    parts = ["{", "}", "{numero}", "{date}", "{prénom}", "{x}", "Bonjour ", "\n", "é", "{{", "%s", "{0}"]
    return "".join(draw.choice(parts) for _ in range(draw.randint(0, 12)))


def test_whatever_is_typed_a_text_without_fault_is_filled_in_whole_and_once():
    """What a value holds is never taken for a variable, and nothing in braces is left."""
    draw, values = random.Random(5), {name: f"<{{{NAMES[0]}}}>" for name in NAMES}
    for _ in range(rounds("fuzz")):
        body = drawn(draw)
        if texts.faults_of(body, "interpreter"):
            continue
        filled = texts.fill(body, values)
        assert filled.count(values["numero"]) == body.count("{")
        assert "{" not in texts.fill(body, texts.sample())


def test_nothing_a_request_holds_is_longer_than_what_is_counted():
    assert [variable.name for variable in texts.VARIABLES if len(variable.sample) > variable.longest] == []


# Verbs and database


@pytest.mark.django_db
@pytest.mark.parametrize("user", [make.alice, make.requester, make.validator, make.administrator])
def test_only_a_coordinator_writes_and_removes_templates(user):
    held, given = make.message_template(), {"name": "N", "audience": "requester", "body": "B"}
    for act in (lambda: texts.save(None, by=user(), at=NOW, **given), lambda: texts.remove(held, by=user())):
        with pytest.raises(NotAllowed, match="Seule la coordination"):
            act()


LIES = {
    "for nobody": ({"audience": "patient"}, "template_has_a_known_audience"),
    "a name twice": ({"name": "Autre"}, "template_name_is_unique_for_its_audience"),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("lie", "constraint"), LIES.values(), ids=LIES)
def test_the_database_refuses_a_lie_about_a_template(lie, constraint):
    held = make.message_template()
    make.message_template("Autre")
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        MessageTemplate.objects.filter(pk=held.pk).update(**lie)
    assert refusal.value.__cause__.diag.constraint_name == constraint


def test_every_constraint_of_a_template_is_tried_here():
    assert {constraint for _, constraint in LIES.values()} == {row.name for row in MessageTemplate._meta.constraints}


# The pages


@pytest.fixture
def client(db):
    return signed_in(make.coordinator())


def typed(**given) -> dict:
    return {"name": "Rappel", "audience": ["requester"], "body": "Demande {numero}"} | given


def test_a_template_is_written_changed_and_removed(client):
    assert press(client, f"{PAGE}nouveau/", "Sauvegarder", **typed()).url == PAGE
    made = MessageTemplate.objects.get()
    press(client, f"{PAGE}{made.pk}/", "Sauvegarder", body="Demande {numero}, {date}")
    made.refresh_from_db()
    assert (made.body, made.changed_by) == ("Demande {numero}, {date}", make.coordinator())
    press(client, f"{PAGE}{made.pk}/", "Supprimer le modèle")
    assert not MessageTemplate.objects.exists()


def test_the_preview_shows_the_text_filled_in_and_saves_nothing(client):
    page = press(client, f"{PAGE}nouveau/", "Sauvegarder", **typed(apercu="1"))
    assert (page.status_code, "Demande 4821" in said(page)) == (200, True)
    assert form_with(page, "Aperçu").fields["body"] == "Demande {numero}"
    assert not MessageTemplate.objects.exists()


WRONG = {
    "nothing": ({"name": "", "audience": None, "body": ""}, {"name", "audience", "body"}),
    "an unknown variable": ({"body": "{patient}"}, {"body"}),
    "no such audience": ({"audience": ["patient"]}, {"audience"}),
    "too long": ({"body": "x" * 2001}, {"body"}),
    "a null byte": ({"name": "a\x00b", "body": "a\x00b"}, {"name", "body"}),
}


@pytest.mark.parametrize("button", [{}, {"apercu": "1"}])
@pytest.mark.parametrize(("given", "beside"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_said_beside_its_field(client, given, beside, button):
    page = press(client, f"{PAGE}nouveau/", "Sauvegarder", **typed(**given, **button))
    assert (page.status_code, set(errors(page)), MessageTemplate.objects.exists()) == (422, beside, False)


def test_all_that_is_wrong_with_a_text_is_said_in_one_line(client):
    page = press(client, f"{PAGE}nouveau/", "Sauvegarder", **typed(body="{patient} {docteur}"))
    [line] = page.context["form"].errors["body"]
    assert "{patient}" in line and "{docteur}" in line and "{numero}" in line


def test_a_name_is_given_once_for_an_audience(client):
    make.message_template("Rappel", audience="requester", body="x")
    page = press(client, f"{PAGE}nouveau/", "Sauvegarder", **typed())
    assert (page.status_code, errors(page)) == (422, {"name": "Erreur : Un modèle a déjà ce nom."})
    assert press(client, f"{PAGE}nouveau/", "Sauvegarder", **typed(audience=["interpreter"])).status_code == 302


def test_what_somebody_else_saved_meanwhile_is_shown_before_it_is_replaced(client):
    held, by = make.message_template(), make.person("Camille", make.Role.COORDINATOR)
    opened = form_with(client.get(f"{PAGE}{held.pk}/"), "Sauvegarder")
    given = {"name": held.name, "audience": held.audience, "body": "Le texte de Camille"}
    texts.save(held, by=by, at=timezone.now(), seen=held.changed_at, **given)
    page = opened.send(client, f"{PAGE}{held.pk}/", body="Le mien")
    assert (page.status_code, "Le texte de Camille" in said(page), "Camille Nom" in said(page)) == (409, True, True)
    assert form_with(page, "Sauvegarder").fields["body"] == "Le mien"
    form_with(page, "Sauvegarder").send(client, f"{PAGE}{held.pk}/")
    assert MessageTemplate.objects.get().body == "Le mien"


def test_a_template_removed_meanwhile_is_shown_again_as_a_new_one(client):
    held = make.message_template()
    opened = form_with(client.get(f"{PAGE}{held.pk}/"), "Sauvegarder")
    texts.remove(held, by=make.coordinator())
    page = opened.send(client, f"{PAGE}{held.pk}/", body="Le mien")
    assert (page.status_code, "Ce modèle a été supprimé" in said(page)) == (409, True)
    assert form_with(page, "Sauvegarder").send(client, f"{PAGE}{held.pk}/").url == PAGE
    assert MessageTemplate.objects.get().body == "Le mien"


def test_a_template_that_nobody_opened_is_not_found(client):
    assert client.post(f"{PAGE}999999/", typed()).status_code == 404


@pytest.mark.parametrize("seen", ["", "hier", "9999-12-31T23:59:59+00:00", "\x00"])
def test_a_page_that_nobody_served_replaces_nothing(client, seen):
    held = make.message_template()
    page = client.post(f"{PAGE}{held.pk}/", {"name": "N", "audience": "requester", "body": "x", "seen": seen})
    assert (page.status_code in {409, 422}, MessageTemplate.objects.get().body) == (True, make.BODY)


# From a request


def chooser(made, **asked):
    return f"/bi/demandes/{made.pk}/modeles/", {"fil": str(make.alice().pk)} | asked


def booked():
    return make.reserved(at=ago(1), starts_at=ahead(5))


def body_of(page) -> str:
    return form_with(page, next(b for form in forms(page) for b in form.buttons if "Envoyer" in b)).fields["body"]


def test_a_template_fills_the_message_which_is_sent_as_any_other(client):
    made, held = booked(), make.message_template()
    page = client.get(*chooser(made, modele=held.pk))
    text = body_of(page)
    assert text.startswith(f"Bonjour Alice, confirmez-vous la demande {made.pk} du ")
    assert not Message.objects.exists()
    form_with(page, "Envoyer à Alice Nom-de-Alice").send(client, "/")
    assert Message.objects.get().body == text


def test_what_was_typed_comes_along_and_the_template_after_it(client):
    made, held = booked(), make.message_template(body="Modèle")
    address, _ = chooser(made)
    page = client.get(f"/demandes/{made.pk}/")
    thread = form_with(page, "Envoyer à Alice Nom-de-Alice")
    assert f'formaction="{address}"' in page.content.decode()
    first = client.post(address, thread.fields | {"body": "Déjà écrit {ici}"})
    assert body_of(first) == "Déjà écrit {ici}"
    second = client.post(address, thread.fields | {"body": "Déjà écrit {ici}", "modele": held.pk})
    assert body_of(second) == "Déjà écrit {ici}\n\nModèle"
    assert not Message.objects.exists()


def test_the_address_alone_leads_to_the_request(client):
    made = booked()
    assert client.get(f"/bi/demandes/{made.pk}/modeles/").url == f"/demandes/{made.pk}/"


def test_each_side_has_its_own_templates(client):
    made = booked()
    make.message_template("Pour Alice", body="x")
    make.message_template("Pour le demandeur", audience="requester", body="y")
    pages = [said(client.get(*chooser(made, **given))) for given in ({}, {"fil": "demandeur"})]
    assert ["Pour Alice" in page for page in pages] == [True, False]
    assert ["Pour le demandeur" in page for page in pages] == [False, True]


def test_a_message_that_became_too_long_is_said_and_kept(client):
    made, held = booked(), make.message_template(body="Modèle")
    address, given = chooser(made, modele=held.pk)
    page = client.post(address, {"to": given["fil"], "body": "x" * 3999, "modele": held.pk})
    assert (page.status_code, len(body_of(page))) == (422, 4007)


ODD = ["", "0", "999999999999", "\x00", "demandeur ", "²"]


def test_a_thread_that_does_not_exist_is_not_found_and_an_unknown_template_fills_nothing(client):
    made = booked()
    assert {client.get(*chooser(made, fil=odd)).status_code for odd in ODD} == {404}
    assert {body_of(client.get(*chooser(made, modele=odd))) for odd in ODD} == {""}


def test_nobody_is_written_to_who_no_longer_has_the_request(client):
    made = booked()
    make.exchanges.post_message(made, by=make.alice(), at=ago(0, 1), body="Bonjour")
    services.reassign(made, make.bob(), by=make.coordinator(), at=timezone.now(), note="Entente")
    assert client.get(*chooser(made)).status_code == 409


def test_an_interpreter_is_not_offered_any_template(client):
    made = booked()
    assert "modeles" not in signed_in(make.alice()).get(f"/demandes/{made.pk}/").content.decode()
