"""The « Détails de l'achèvement » as people fill them in (screens 7, rulings 4 to 6)."""

import gzip
import re
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.french import hour
from completion import decisions
from completion.models import Attachment, Completion, CompletionRevision, Outcome
from completion.views.access import MAX_BODY
from requests_app import services as requests
from requests_app.models import CancellationReason, ServiceRequest
from requests_app.workflow import ServiceType, Status
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, NOW, START
from tests.pages import form_with, forms, said, sign_in

pytestmark = pytest.mark.django_db
END = START + make.LENGTH
ROW = "communications"


def url(service_request, name="edit", **more) -> str:
    return reverse(f"completion:{name}", kwargs={"number": service_request.pk, **more})


def form(service_request, *, rows=(), shown=0, **fields) -> dict:
    """What a browser sends: as booked, rendered, unless said otherwise."""
    version = ServiceRequest.objects.get(pk=service_request.pk).version
    sent = {
        "version": version,
        "key": str(uuid.uuid4()),
        "is_rendered": "oui",
        "start_time": "13h",
        "end_time": "14h30",
    }
    sent |= {f"{ROW}-TOTAL_FORMS": len(rows), f"{ROW}-INITIAL_FORMS": shown}
    for index, row in enumerate(rows):
        sent |= {f"{ROW}-{index}-{name}": value for name, value in row.items()}
    return sent | fields


def row(date="2025-03-03", time="14h10", purpose="confirmation", **more) -> dict:
    return {"date": date, "time": time, "purpose": purpose, "channel": "phone", **more}


@pytest.fixture
def browse(client):
    return lambda user: sign_in(client, user)


def errors(response) -> dict:
    return dict(response.context["form"].errors)


# Who, and when


def test_the_form_is_prefilled_with_the_booked_hours_and_nothing_is_chosen(browse):
    made = make.reserved()
    page = browse(make.alice()).get(url(made)).content.decode()
    assert 'value="13\u00a0h"' in page
    assert 'value="14\u00a0h\u00a030"' in page
    assert "checked" not in page
    assert "Détails après la demande" in page
    assert "Détails de l’achèvement" in page


def test_before_the_start_the_form_says_when_it_opens(browse):
    starts_at = timezone.now().replace(second=0, microsecond=0) + HOUR
    made = make.reserved(at=timezone.now() - HOUR, starts_at=starts_at)
    response = browse(make.alice()).get(url(made))
    assert response.status_code == 200
    assert f"Accessible à partir de {hour(starts_at)}" in response.content.decode()


def test_a_form_posted_before_the_start_is_refused(browse):
    made = make.reserved(at=timezone.now() - HOUR, starts_at=timezone.now() + HOUR)
    response = browse(make.alice()).post(url(made), form(made))
    assert response.status_code == 409
    assert not Completion.objects.exists()


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (make.alice, 200),
        (make.coordinator, 200),
        (make.validator, 200),
        (make.requester, 403),
        (make.bob, 404),
        (make.other_requester, 404),
        (make.administrator, 404),
    ],
)
def test_the_form_opens_for_those_concerned(browse, who, status):
    assert browse(who()).get(url(make.reserved())).status_code == status


@pytest.mark.parametrize(
    ("who", "status"), [(make.validator, 403), (make.requester, 403), (make.bob, 404), (make.administrator, 404)]
)
def test_nobody_else_files(browse, who, status):
    made = make.reserved()
    assert browse(who()).post(url(made), form(made)).status_code == status
    assert not Completion.objects.exists()


def test_the_holder_of_an_open_offer_has_no_part_in_the_report(browse):
    now = timezone.now()
    made = make.pending(make.bob(), at=now, starts_at=now + HOUR)
    assert browse(make.bob()).get(url(made)).status_code == 403


def test_whoever_held_the_request_before_is_told_it_is_gone(browse):
    made = make.reserved(make.bob())
    requests.reassign(made, make.alice(), by=make.coordinator(), at=NOW + HOUR, note="Échange.")
    reader = browse(make.bob())
    assert [reader.get(url(made)).status_code, reader.post(url(made), form(made)).status_code] == [404, 409]


# Saving


def test_a_service_rendered_is_saved_and_said(browse):
    made = make.reserved()
    response = browse(make.alice()).post(url(made), form(made), follow=True)
    assert response.redirect_chain == [(reverse("requests:detail", args=[made.pk]), 302)]
    assert "Détails de l’achèvement enregistrés. La BI du RSSS va les vérifier." in response.content.decode()
    assert ServiceRequest.objects.get().status == Status.PROVIDED


def test_all_the_fields_are_kept(browse):
    made = make.reserved()
    fields = {
        "start_time": "13.05",
        "end_time": "1500",
        "waiting_hours": "1",
        "waiting_minutes": "5",
        "distance_km": "18,4 km",
        "travel_minutes": "45",
        "parking_amount": "14,00 $",
        "comments": "Tout va bien.",
    }
    browse(make.alice()).post(url(made), form(made, rows=[row()], **fields))
    kept = made.completion
    assert (kept.actual_starts_at, kept.actual_ends_at) == (START + timedelta(minutes=5), START + 2 * HOUR)
    assert (kept.waiting_minutes, kept.travel_minutes, kept.comments) == (65, 45, "Tout va bien.")
    assert (kept.distance_km, kept.parking_amount) == (Decimal("18.4"), Decimal("14"))
    assert made.communications.get().at == make.local("2025-03-03 14:10")


def test_the_lines_read_in_the_comments_are_shown_for_confirmation(browse):
    made = make.reserved()
    line = "1- 2025-03-03 14h10 Confirmation du rendez-vous"
    repeated = "2- 2025-03-04 9h00 Confirmation du rendez-vous"
    sent = form(made, rows=[row("2025-03-04", "9h")], comments=f"{line}\n{repeated}")
    response = browse(make.alice()).post(url(made), sent, follow=True)
    page = response.content.decode()
    assert "Communications lues dans vos commentaires\u00a0: 1." in page
    assert line in page


@pytest.mark.parametrize(
    ("booked", "start", "end", "expected"),
    [
        ("23:00", "23h", "0h30", ("2025-03-06 23:00", "2025-03-07 00:30")),  # the end is the next day's
        ("23:30", "0h15", "1h", ("2025-03-07 00:15", "2025-03-07 01:00")),  # begun after midnight
        ("00:15", "23h50", "1h", ("2025-03-05 23:50", "2025-03-06 01:00")),  # begun before it
    ],
)
def test_midnight_is_crossed(browse, booked, start, end, expected):
    made = make.reserved(starts_at=make.local(f"2025-03-06 {booked}"))
    browse(make.alice()).post(url(made), form(made, start_time=start, end_time=end))
    assert (made.completion.actual_starts_at, made.completion.actual_ends_at) == tuple(map(make.local, expected))


def test_the_hour_that_does_not_exist_is_refused_beside_its_field(browse):
    made = make.reserved(starts_at=make.local("2025-03-09 01:00"))
    response = browse(make.alice()).post(url(made), form(made, start_time="1h", end_time="2h30"))
    assert (response.status_code, list(errors(response))) == (422, ["end_time"])


def test_a_last_minute_cancellation_says_when_it_was_told(browse):
    made = make.reserved()
    fields = {"is_rendered": "non", "what_happened": "cancelled", "told_date": "2025-03-06", "told_time": "12h45"}
    browse(make.alice()).post(url(made), form(made, **fields))
    kept = made.completion
    assert (kept.outcome, kept.told_at, kept.actual_starts_at) == (
        Outcome.CANCELLED,
        START - timedelta(minutes=15),
        None,
    )


def test_an_absence_keeps_the_presence(browse):
    made = make.reserved()
    browse(make.alice()).post(
        url(made), form(made, is_rendered="non", what_happened="patient_absent", end_time="13h20")
    )
    assert (made.completion.outcome, made.completion.actual_ends_at) == (
        "patient_absent",
        START + timedelta(minutes=20),
    )


def test_a_translation_asks_for_its_words_and_no_hour(browse):
    made = make.reserved(service_type=ServiceType.TRANSLATION)
    reader = browse(make.alice())
    page = reader.get(url(made)).content.decode()
    assert "Mots" in page
    assert "start_time" not in page
    assert "distance_km" not in page
    reader.post(url(made), form(made, word_count="1 240"))
    assert made.completion.word_count == 1240


# Errors


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"is_rendered": ""}, "is_rendered"),
        ({"is_rendered": "peut-être"}, "is_rendered"),
        ({"is_rendered": "non"}, "what_happened"),
        ({"is_rendered": "non", "what_happened": "claim"}, "what_happened"),
        ({"is_rendered": "non", "what_happened": "cancelled", "told_date": "2025-03-06"}, "told_time"),
        (
            {"is_rendered": "non", "what_happened": "cancelled", "told_date": "2999-01-01", "told_time": "9h"},
            "told_date",
        ),
        ({"start_time": "25h"}, "start_time"),
        ({"start_time": ""}, "start_time"),
        ({"end_time": "tard"}, "end_time"),
        ({"end_time": "13h"}, "end_time"),
        ({"end_time": "12h"}, "end_time"),
        ({"waiting_hours": "24"}, "waiting_hours"),
        ({"waiting_minutes": "1441"}, "waiting_minutes"),
        ({"waiting_minutes": "-1"}, "waiting_minutes"),
        ({"distance_km": "-1"}, "distance_km"),
        ({"distance_km": "12,3456"}, "distance_km"),
        ({"distance_km": "NaN"}, "distance_km"),
        ({"distance_km": "1e9"}, "distance_km"),
        ({"parking_amount": "gratuit"}, "parking_amount"),
        ({"travel_minutes": "99999"}, "travel_minutes"),
        ({"word_count": "12"}, "word_count"),
        ({"comments": "x" * 4001}, "comments"),
        ({"comments": "2999-01-01 14h10 Confirmation du rendez-vous"}, "comments"),
        ({"key": "pas-une-cle"}, "__all__"),
        ({"version": ""}, "__all__"),
    ],
)
def test_a_bad_value_is_refused_beside_its_field_and_what_was_typed_is_kept(browse, fields, field):
    made = make.reserved()
    sent = form(made, rows=[row(justification="Justifiée par Alice")], **{"comments": "À garder", **fields})
    response = browse(make.alice()).post(url(made), sent)
    assert (response.status_code, list(errors(response))) == (422, [field])
    page = response.content.decode()
    assert "Justifiée par Alice" in page
    assert "comments" in fields or "À garder" in page
    assert not Completion.objects.exists()


def test_an_end_in_the_future_is_refused_beside_its_field(browse):
    now = timezone.localtime().replace(second=0, microsecond=0)
    made = make.reserved(at=now - 3 * HOUR, starts_at=now - HOUR)
    fields = {"start_time": f"{now - HOUR:%H:%M}", "end_time": f"{now + HOUR:%H:%M}"}
    response = browse(make.alice()).post(url(made), form(made, **fields))
    assert (response.status_code, list(errors(response))) == (422, ["end_time"])
    assert "La fin réelle ne peut pas être dans le futur\u00a0: il est " in errors(response)["end_time"][0]


def test_a_distance_on_a_telephone_service_is_refused_beside_its_field(browse):
    made = make.reserved(service_type=ServiceType.PHONE)
    assert "distance_km" not in browse(make.alice()).get(url(made)).content.decode()
    response = browse(make.alice()).post(url(made), form(made, distance_km="18,4"))
    assert response.status_code == 422
    assert "que pour un service en présence" in str(errors(response)["distance_km"])
    assert 'id="id_distance_km_error"' in response.content.decode()


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (row(time=""), "time"),
        (row(purpose=""), "purpose"),
        (row(purpose="other"), "purpose_text"),
        (row(date="2999-01-01"), "date"),
        (row(date="2025-03-09", time="2h30"), "time"),
        (row(date="0001-01-01"), "date"),
        (row(date="9999-12-31", time="23h59"), "date"),
    ],
)
def test_a_bad_communication_is_refused_on_its_line(browse, bad, field):
    made = make.reserved()
    response = browse(make.alice()).post(url(made), form(made, rows=[row(), bad]))
    assert response.status_code == 422
    assert [list(line) for line in response.context["formset"].errors] == [[], [field]]
    assert "Ligne 2" in response.content.decode()


def test_a_blank_line_is_no_communication(browse):
    made = make.reserved()
    blank = row(date="", time="", purpose="")
    browse(make.alice()).post(url(made), form(made, rows=[blank, row()]))
    assert made.communications.count() == 1


def test_a_thousand_lines_are_refused(browse):
    made = make.reserved()
    sent = form(made) | {f"{ROW}-TOTAL_FORMS": "1000"}
    assert browse(make.alice()).post(url(made), sent).status_code == 422


def test_one_more_communication_without_javascript_keeps_all_that_was_typed(browse):
    made = make.reserved()
    sent = form(made, rows=[row(justification="Un mot")], ajouter="1", start_time="pas encore", comments="À garder")
    response = browse(make.alice()).post(url(made), sent)
    page = response.content.decode()
    assert response.status_code == 200
    assert re.findall(r"Communication <span data-number>(\d)", page) == ["1", "2"]
    for kept in ("Un mot", "pas encore", "À garder", sent["key"]):
        assert kept in page
    assert "Il y a un problème" not in page
    assert not Completion.objects.exists()


def test_a_communication_is_taken_back_by_its_box(browse):
    made = make.reserved()
    stored = make.communication(made, made_at=NOW)
    shown = row(date="2025-03-03", time="10h", seen=stored.pk, DELETE="on")
    browse(make.alice()).post(url(made), form(made, rows=[shown], shown=1))
    assert made.communications.count() == 0


def test_a_communication_blanked_is_taken_back(browse):
    made = make.reserved()
    stored = make.communication(made, made_at=NOW)
    browse(make.alice()).post(url(made), form(made, rows=[row("", "", "", seen=stored.pk)], shown=1))
    assert made.communications.count() == 0


# Twice, late, too late


def test_a_double_submission_is_one_report(browse):
    made = make.reserved()
    sent, reader = form(made, rows=[row()]), browse(make.alice())
    answers = [reader.post(url(made), sent).status_code for _ in range(2)]
    assert answers == [302, 302]
    assert (CompletionRevision.objects.count(), made.communications.count()) == (1, 1)


@pytest.fixture
def stale(browse):
    """A form with everything typed, sent after a coordinator changed the request; with the reader and the answer."""
    made, typed = (
        make.reserved(),
        {"end_time": "14h45", "distance_km": "18,4", "comments": "À garder\r\nen deux lignes"},
    )
    sent = form(made, rows=[row(justification="Un mot")], **typed)
    requests.modify(made, by=make.coordinator(), at=NOW, note="Entente", ends_at=END + HOUR)
    reader = browse(make.alice())
    return made, reader, reader.post(url(made), sent)


def test_a_form_opened_before_a_change_is_refused_with_what_changed_and_what_was_typed(stale):
    _, _, response = stale
    page = said(response)
    assert response.status_code == 409
    for kept in ("Ce qui a changé", "Fin réelle 14h45", "Distance parcourue (km) 18,4", "À garder", "Un mot", "Oui"):
        assert kept in page
    assert not Completion.objects.exists()


def test_a_refused_form_is_taken_up_again_on_the_request_as_it_is_now(stale):
    made, reader, refused = stale
    again = form_with(refused, "Reprendre ma saisie").send(reader, url(made), reprendre="1")
    assert (again.status_code, "Il y a un problème" in said(again)) == (200, False)
    saved = again.context["form"]["key"].value(), again.context["form"]["version"].value()
    assert saved[1] == ServiceRequest.objects.get(pk=made.pk).version
    filled = next(found for found in forms(again) if "end_time" in found.fields)
    assert filled.send(reader, url(made)).status_code == 302
    assert (made.completion.actual_ends_at, made.completion.comments) == (
        END + timedelta(minutes=15),
        "À garder\nen deux lignes",
    )
    assert made.communications.get().justification == "Un mot"


def test_a_form_sent_again_with_another_content_can_be_saved_as_a_correction(browse):
    made, reader = make.reserved(), browse(make.alice())
    sent = form(made)
    reader.post(url(made), sent)
    refused = reader.post(url(made), sent | {"comments": "Autre chose"})
    assert refused.status_code == 409
    again = form_with(refused, "Reprendre ma saisie").send(reader, url(made), reprendre="1")
    next(found for found in forms(again) if "end_time" in found.fields).send(reader, url(made))
    assert (made.completion.revision, made.completion.comments) == (2, "Autre chose")


def test_a_form_refused_because_nothing_can_be_filed_has_nothing_to_take_up(browse):
    made = make.reserved(at=timezone.now() - HOUR, starts_at=timezone.now() + HOUR)
    page = said(browse(make.alice()).post(url(made), form(made, comments="À garder")))
    assert "À garder" in page and "Reprendre ma saisie" not in page


def test_a_stale_form_does_not_even_leave_its_file(browse):
    made = make.reserved()
    sent = form(made, attachment=filed.upload())
    requests.modify(made, by=make.coordinator(), at=NOW, note="Entente", ends_at=END + HOUR)
    assert browse(make.alice()).post(url(made), sent).status_code == 409
    assert not Attachment.objects.exists()


def test_a_report_is_corrected_until_the_end(browse):
    made = filed.provided()
    reader = browse(make.alice())
    assert 'value="14\u00a0h\u00a030"' in reader.get(url(made)).content.decode()
    assert reader.post(url(made), form(made, end_time="15h")).status_code == 302
    made.refresh_from_db()
    assert (made.completion.revision, made.completion.actual_ends_at) == (2, START + 2 * HOUR)


def test_after_the_end_the_report_is_read_only(browse):
    made = filed.provided()
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    reader = browse(make.alice())
    page = reader.get(url(made))
    assert page.status_code == 200
    assert "écrivez à la BI" in page.content.decode()
    assert "<textarea" not in page.content.decode()
    assert reader.post(url(made), form(made)).status_code == 409
    assert made.completion.revisions.count() == 1


def test_a_coordinator_needs_a_note(browse):
    made = make.reserved()
    reader = browse(make.coordinator())
    assert f"au nom de {make.alice()}" in reader.get(url(made)).content.decode()
    response = reader.post(url(made), form(made))
    assert (response.status_code, list(errors(response))) == (422, ["note"])
    assert reader.post(url(made), form(made, note="Dicté au téléphone.")).status_code == 302
    assert made.transitions.last().on_behalf_of == make.alice()


def test_a_returned_report_says_why(browse):
    made = filed.provided()
    decisions.return_for_correction(made, by=make.validator(), at=END + 2 * HOUR, reason="La fin est-elle juste?")
    assert "La fin est-elle juste?" in browse(make.alice()).get(url(made)).content.decode()


# What a page asks and proposes


def proposed(browse, km: tuple, reader=make.alice):
    """The distance a fresh form proposes, with these estimates from the home and from the head office."""
    made = make.reserved()
    profile, place = make.alice().interpreter_profile, made.facility
    office = profile.home_institution
    place.latitude, place.longitude = Decimal("45.5"), Decimal("-73.6")
    # A degree of latitude is 111,195 km, and roads are longer by 30 %.
    north = [Decimal("45.5") + Decimal(length) / Decimal("144.5535") for length in km]
    profile.home_latitude, profile.home_longitude = north[0], place.longitude
    office.latitude, office.longitude = north[1], place.longitude
    for changed in (place, profile, office):
        changed.save()
    return browse(reader()).get(url(made))


@pytest.mark.parametrize(
    ("km", "value", "advice"),
    [
        ((18.4, 22), "18,4", "Le plus court compte, depuis le domicile."),
        ((30, 17), "17", "Le plus court compte, depuis le siège social."),
        ((30, 16), "", "Le plus court compte, depuis le siège social : 16 km ou moins, rien à réclamer. Laissez vide."),
        ((3, 30), "", "Le plus court compte, depuis le domicile : 16 km ou moins, rien à réclamer. Laissez vide."),
    ],
)
def test_the_shorter_distance_is_proposed_only_when_it_is_paid(browse, km, value, advice):
    page = proposed(browse, km)
    assert (page.context["form"]["distance_km"].value() or "") == value
    assert advice in said(page).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("reader", "home"), [(make.alice, "De votre domicile"), (make.coordinator, "Du domicile de l’interprète")]
)
def test_both_estimates_are_shown_in_kilometres(browse, reader, home):
    page = said(proposed(browse, (18.4, 22), reader)).replace("\u00a0", " ")
    assert f"{home} : 18,4 km · Du siège social : 22 km" in page
    assert "18,4 km, plus de 16 km : 36,8 km × 0,62 $ = 22,82 $" in page


@pytest.mark.parametrize(
    ("start", "help_text"),
    [("2024-11-04 13:00", "Non rémunérée depuis le 4 novembre 2024."), ("2024-11-01 13:00", "41,00 $ de l’heure.")],
)
def test_travel_time_says_whether_it_is_paid(browse, start, help_text):
    starts_at = make.local(start)
    made = make.reserved(at=starts_at - timedelta(days=7), starts_at=starts_at)
    assert help_text in said(browse(make.alice()).get(url(made))).replace("\u00a0", " ")


@pytest.mark.parametrize(
    "out_of_sight",
    [
        {"start_time": "tard"},
        {"end_time": ""},
        {"distance_km": "loin"},
        {"parking_amount": "?"},
        {"waiting_hours": "99"},
    ],
)
def test_after_a_cancellation_what_is_out_of_sight_is_neither_judged_nor_kept(browse, out_of_sight):
    made = make.reserved()
    fields = {"is_rendered": "non", "what_happened": "cancelled", "distance_km": "18,4", "parking_amount": "14"}
    assert browse(make.alice()).post(url(made), form(made, **fields | out_of_sight)).status_code == 302
    kept = made.completion
    assert (kept.distance_km, kept.parking_amount, kept.actual_starts_at) == (None, None, None)


def test_a_page_asks_a_fixed_number_of_statements(browse, django_assert_max_num_queries):
    made, reader = make.reserved(), browse(make.alice())
    for minutes in range(8):
        make.communication(made, made_at=NOW - timedelta(minutes=minutes))
    with django_assert_max_num_queries(14):
        reader.get(url(made))


def test_the_page_weighs_8_kb_at_most(browse):
    made = make.reserved()
    filed.attach(made)
    for minutes in range(3):
        make.communication(made, made_at=NOW - timedelta(minutes=minutes))
    assert len(gzip.compress(browse(make.alice()).get(url(made)).content)) <= 8 * 1024


def test_entering_never_saves_a_report(browse):
    """« Entrée » presses the first button of a form."""
    page = browse(make.alice()).get(url(make.reserved())).content.decode()
    report = page[page.index('id="rapport"') :]
    assert re.search(r"<button[^>]*>", report)[0].count('name="estimer"') == 1


# Claims and relays


def test_a_claim_asks_for_communications_and_comments_only(browse):
    made = make.cancelled()
    reader = browse(make.alice())
    page = reader.get(url(made)).content.decode()
    for name in ("is_rendered", "start_time", "distance_km", "parking_amount", "attachment"):
        assert f'name="{name}"' not in page
    sent = form(made, rows=[row(date="2025-03-03", time="9h")])
    assert reader.post(url(made), sent).status_code == 302
    assert made.completion.outcome == Outcome.CLAIM


@pytest.mark.parametrize(
    ("comments", "sentence"),
    [
        ("Rien à signaler", "Inscrivez au moins une communication"),
        ("2999-01-01 10h00 Rappel", "La communication du 2999-01-01 ne peut pas être dans le futur."),
        ("2025-03-09 2h30 Rappel", "L’heure 2 h 30 n’existe pas le 9 mars 2025 :"),
        ("9999-12-31 23h59 Rappel", "La date du 31 décembre 9999 est trop éloignée."),
    ],
)
def test_a_claim_of_nothing_is_refused_and_what_was_typed_is_kept(browse, comments, sentence):
    made = make.cancelled()
    response = browse(make.alice()).post(url(made), form(made, comments=comments))
    assert response.status_code == 422
    assert sentence in said(response) and comments in response.content.decode()


def test_a_file_heavier_than_the_limit_is_refused_beside_its_field_and_the_rest_is_kept(browse):
    made = make.reserved()
    sent = form(made, attachment=filed.upload(bytes(12 * 1024 * 1024)), comments="Porte de côté")
    response = browse(make.alice()).post(url(made), sent)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["attachment"]
    assert "Porte de côté" in response.content.decode()


def test_communications_that_will_not_be_paid_are_said_at_once(browse):
    made = make.reserved()
    sent = form(made, comments="1- 2025-03-01 14h10 Confirmation du rendez-vous")
    page = browse(make.alice()).post(url(made), sent, follow=True)
    assert "1 communication ne sera pas payée telle quelle" in page.content.decode()


def test_a_coordinator_claims_nothing_for_an_interpreter(browse):
    made = make.cancelled()
    assert browse(make.coordinator()).post(url(made), form(made, note="Oui")).status_code == 409


def test_a_relay_is_completed_with_its_communications(browse):
    made = make.reserved()
    make.communication(made, made_at=NOW)
    relay = requests.mark_unallocated(made, by=make.alice(), at=NOW + HOUR)
    reader = browse(make.alice())
    assert "is_rendered" not in reader.get(url(relay)).content.decode()
    stored = relay.communications.get()
    rows = [row(time="10h", seen=stored.pk, requested_by_name="Dre Q.", justification="À jeun")]
    assert reader.post(url(relay), form(relay, rows=rows, shown=1)).status_code == 302
    assert relay.communications.get().justification == "À jeun"


def test_a_request_cancelled_while_the_form_was_open_is_refused(browse):
    made = make.reserved()
    sent = form(made)
    reason = CancellationReason.BY_REQUESTER
    requests.cancel(made, by=make.coordinator(), at=START + HOUR, reason=reason)
    assert browse(make.alice()).post(url(made), sent).status_code == 409


# The file of the form


def test_a_receipt_sent_with_the_form_is_kept(browse):
    made = make.reserved()
    browse(make.alice()).post(url(made), form(made, parking_amount="14", attachment=filed.upload()))
    assert made.attachments.get().kind == Attachment.Kind.PARKING_RECEIPT


def test_a_receipt_already_sent_survives_the_error_of_another_field(browse):
    made = make.reserved()
    response = browse(make.alice()).post(url(made), form(made, end_time="tard", attachment=filed.upload()))
    assert response.status_code == 422
    assert "facture.jpg" in response.content.decode()
    assert made.attachments.count() == 1


def test_a_bad_file_is_refused_beside_its_field_and_the_rest_is_kept(browse):
    made = make.reserved()
    bad = SimpleUploadedFile("photo.jpg", b"<svg onload='alert(1)'/>")
    response = browse(make.alice()).post(url(made), form(made, comments="À garder", attachment=bad))
    assert (response.status_code, list(errors(response))) == (422, ["attachment"])
    assert "À garder" in response.content.decode()
    assert (Completion.objects.count(), Attachment.objects.count()) == (0, 0)


def test_one_more_communication_keeps_the_file_too(browse):
    made = make.reserved()
    response = browse(make.alice()).post(url(made), form(made, ajouter="1", attachment=filed.upload()))
    assert "facture.jpg" in response.content.decode()
    assert made.attachments.count() == 1


def test_a_request_far_too_big_is_refused_before_it_is_read(browse):
    made = make.reserved()
    response = browse(make.alice()).post(url(made), form(made), CONTENT_LENGTH=str(MAX_BODY + 1))
    assert response.status_code == 413
    assert "10 Mo" in said(response)


def test_a_file_just_over_the_limit_is_an_error_of_its_field(browse):
    made = make.reserved()
    sent = form(made, attachment=filed.upload(filed.image() + bytes(10 * 1024 * 1024)))
    response = browse(make.alice()).post(url(made), sent)
    assert (response.status_code, list(errors(response))) == (422, ["attachment"])


def test_the_form_is_protected_against_forgery(client):
    from django.test import Client

    made, strict = make.reserved(), Client(enforce_csrf_checks=True)
    strict.force_login(make.alice())
    assert strict.post(url(made), form(made)).status_code == 403
