"""Alerts before a validator: said first, ticked as seen, refused when new; and what history keeps of them."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from completion import decisions
from completion.flagged import flags_of
from requests_app.exchanges import post_message
from requests_app.models import ServiceRequest, Transition
from requests_app.moves import Stale
from requests_app.workflow import Action, Status
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, PERSONAL, START
from tests.pages import errors, press, said, signed_in

pytestmark = pytest.mark.django_db
END = START + make.LENGTH
VALIDATE = "Valider et passer à la suivante"


def page(made) -> str:
    return reverse("admin:completion_review_change", args=[made.pk])


def too_long(**fields):
    """Alice stayed an hour more than booked: one alert."""
    made = make.reserved(**fields)
    filed.report(made, **filed.times(made, length=make.LENGTH + HOUR))
    return made


def status(made) -> str:
    return ServiceRequest.objects.get(pk=made.pk).status


def keys(made) -> list[str]:
    return [decisions.key_of(flag) for flag in flags_of([made])[made.pk]]


def test_alerts_are_said_before_all_the_rest():
    text = said(signed_in(make.validator()).get(page(too_long())))
    assert "1 alerte Durée dépassée 2 h 30 de présence" in text
    assert text.index("1 alerte") < text.index("Demandé")


def test_a_clean_file_asks_for_no_tick():
    made, reader = filed.provided(), signed_in(make.validator())
    assert "J’ai vu les alertes" not in said(reader.get(page(made)))
    assert press(reader, page(made), VALIDATE, valider="1").status_code == 302


def test_a_file_with_alerts_is_validated_once_they_are_ticked():
    made, reader = too_long(), signed_in(make.validator())
    refused = press(reader, page(made), VALIDATE, valider="1")
    assert (refused.status_code, list(errors(refused)), status(made)) == (422, ["accepted"], Status.PROVIDED)
    assert press(reader, page(made), VALIDATE, accepted="on", valider="1").status_code == 302
    assert status(made) == Status.COMPLETED


def test_the_tick_of_what_was_seen_is_not_given_to_what_was_not():
    made, reader = too_long(), signed_in(make.validator())
    shown = reader.get(page(made)).context
    sent = shown["current"] | {"alerte": [alert[1] for alert in shown["alerts"]], "accepted": "on", "valider": "1"}
    late = END + 2 * HOUR
    filed.report(
        make.reserved(starts_at=late), **filed.times(make.reserved(starts_at=late + 24 * HOUR), late=-26 * HOUR)
    )
    answer = reader.post(page(made), sent)
    assert (answer.status_code, len(answer.context["alerts"])) == (409, 2)
    assert "checked" not in re.search(r'<input[^>]*name="accepted"[^>]*>', answer.content.decode()).group()


def test_an_alert_that_appeared_meanwhile_stops_the_validation():
    made = filed.provided()
    sent = decisions.fingerprint(made)
    filed.report(make.reserved(starts_at=END + HOUR), **filed.times(made, late=HOUR))  # another presence over this one
    with pytest.raises(Stale, match="Une alerte est apparue"):
        decisions.validate(made, by=make.validator(), at=END + 9 * HOUR, seen=sent, alerts=[])
    assert made.pay_lines.count() == 0


@pytest.mark.parametrize("alerts", [[], ["0" * 16], ["\x00", "x" * 5000]])
def test_a_form_that_names_other_alerts_validates_nothing(alerts):
    made, reader = too_long(), signed_in(make.validator())
    sent = {"version": made.version, "seen": decisions.fingerprint(made), "alerte": alerts, "accepted": "on"}
    assert reader.post(page(made), sent | {"valider": "1"}).status_code == 409
    assert status(made) == Status.PROVIDED


def test_history_says_with_which_alerts_a_file_was_validated():
    made = too_long()
    decisions.validate(made, by=make.validator(), at=END + 9 * HOUR, alerts=keys(made))
    step = Transition.objects.get(service_request=made, action=Action.VALIDATE)
    assert [alert["kind"] for alert in step.choice["alerts"]] == ["duration"]
    assert "validée par la BI, avec 1 alerte : durée dépassée" in said(signed_in(make.validator()).get(page(made)))


def test_an_interpreter_reads_of_no_alert():
    made = too_long()
    decisions.validate(made, by=make.validator(), at=END + 9 * HOUR, alerts=keys(made))
    assert "alerte" not in said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))


# What the page shows, and what it does not


def test_what_differs_from_what_was_asked_is_marked_with_it():
    made = make.reserved()
    filed.report(made, **filed.times(made, late=HOUR / 4, length=HOUR))
    text = said(signed_in(make.validator()).get(page(made)))
    assert "13 h 15 demandé : 13 h" in text
    assert "1 h demandée : 1 h 30" in text


def test_neither_the_instructions_nor_any_person_of_the_request_is_shown():
    made = filed.provided()
    text = said(signed_in(make.validator()).get(page(made)))
    assert [word for word in PERSONAL.values() if word in text] == []


def test_the_thread_and_the_comments_are_read_without_the_patient():
    made = make.reserved()
    name = PERSONAL["patient_name"]
    filed.report(made, comments=f"{name} était en retard.")
    words = f"M. {name.split()[1].upper()} n’est pas venu, dossier {PERSONAL['patient_file_number']}."
    post_message(made, by=make.alice(), at=END + HOUR, body=words)
    text = said(signed_in(make.validator()).get(page(made)))
    assert "M. [usager] n’est pas venu, dossier [usager]." in text
    assert "[usager] était en retard." in text
    assert name not in text


@pytest.mark.parametrize("build", [make.unallocated, make.reserved, make.cancelled])
def test_a_file_that_awaits_nothing_is_not_found(build):
    made, reader = build(), signed_in(make.validator())
    assert reader.get(page(made)).status_code == 404
    assert reader.post(page(made), {"version": made.version, "seen": "x", "valider": "1"}).status_code == 404


def test_a_refusal_says_what_changed_meanwhile():
    made, reader = filed.provided(), signed_in(make.validator())
    shown = reader.get(page(made)).context["current"]
    filed.report(made, at=END + 2 * HOUR, distance_km=Decimal("30"))
    filed.attach(made, at=END + 3 * HOUR)
    answer = reader.post(page(made), shown | {"valider": "1"})
    text = said(answer)
    assert answer.status_code == 409
    for words in ("Détails de l’achèvement corrigés", "Pièce ajoutée : facture.jpg", "Révision 2"):
        assert words in text


@pytest.mark.parametrize("mark", ["", "1-2", "a-b-c-d", "9" * 400, "-".join(["9" * 99] * 4), "\x00"])
def test_a_mark_that_is_nothing_of_ours_changes_nothing(mark):
    made, reader = filed.provided(), signed_in(make.validator())
    sent = {"version": made.version, "seen": "autre", "mark": mark, "valider": "1"}
    assert reader.post(page(made), sent).status_code == 409


# Four eyes


def test_whoever_filed_a_file_sees_no_button_and_is_refused():
    made = make.provided()
    ServiceRequest.objects.filter(pk=made.pk).update(filed_by=make.validator())
    made.refresh_from_db()
    reader = signed_in(make.validator())
    opened = reader.get(page(made))
    assert VALIDATE not in said(opened)
    assert "une autre personne le valide" in said(opened)
    sent = opened.context["current"] | {"amount": "5", "sign": "+", "reason": "Non"}
    for button in ("valider", "ajouter"):
        assert reader.post(page(made), sent | {button: "1"}).status_code == 409
    assert status(made) == Status.PROVIDED


@pytest.mark.parametrize("word", ["", "x" * 3000, "\x00", "9" * 40, "²"])
def test_nothing_that_is_sent_breaks_the_page(word):
    made, reader = too_long(), signed_in(make.validator())
    current = reader.get(page(made)).context["current"]
    sent = dict.fromkeys(("amount", "reason", "sign", "alerte", "accepted"), word) | current
    for button in ("valider", "retourner", "payer", "ne_pas_payer", "ajouter", "retirer", "corriger", "action"):
        assert reader.post(page(made), sent | {button: word}).status_code in (302, 404, 409, 422)
    assert reader.post(page(made), dict.fromkeys(current, word) | {"valider": word}).status_code == 422


def test_a_page_with_more_of_everything_asks_as_much(django_assert_max_num_queries):
    made, reader = too_long(), signed_in(make.validator())

    def statements():
        with django_assert_max_num_queries(40) as captured:
            reader.get(page(made))
        return len(captured)

    few = statements()
    for number in range(5):
        filed.attach(made, content=filed.image(size=(20 + number, 20)))
        make.communication(made, made_at=START - timedelta(hours=number + 1))
        decisions.add_line(made, by=make.validator(), at=END + HOUR, amount=Decimal(1), reason="Essai")
    assert statements() == few
