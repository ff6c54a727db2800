"""The validators' day in the admin: the queue, one file, validate or return."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from billing.models import PayPolicy
from completion import decisions
from completion.flagged import flags_of
from completion.models import Outcome
from requests_app import services as requests
from requests_app.exchanges import post_message
from requests_app.models import CancellationReason, ServiceRequest
from requests_app.moves import Stale
from requests_app.workflow import ServiceType, Status
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, NOW, START
from tests.pages import errors, said, sign_in

pytestmark = pytest.mark.django_db
END = START + make.LENGTH
QUEUE = "/admin/completion/review/"


@pytest.fixture
def browse(client):
    return lambda user: sign_in(client, user)


@pytest.fixture
def reader(browse):
    return browse(make.validator())


def url(service_request) -> str:
    return reverse("admin:completion_review_change", args=[service_request.pk])


def seen(service_request, **fields) -> dict:
    """What the page's form carries, the alerts ticked as seen when there are some."""
    fresh = ServiceRequest.objects.get(pk=service_request.pk)
    alerts = [decisions.key_of(flag) for flag in flags_of([fresh])[fresh.pk]]
    ticked = {"alerte": alerts, "accepted": "on"} if alerts else {}
    return {"version": fresh.version, "seen": decisions.fingerprint(fresh)} | ticked | fields


def day(number) -> dict:
    return {"starts_at": START + timedelta(days=number)}


# The queue


def test_the_queue_is_oldest_first_and_holds_what_awaits_a_validator(reader):
    late = make.reserved(**day(3))
    requests.cancel(late, by=make.requester(), at=late.starts_at - HOUR, reason=CancellationReason.BY_REQUESTER)
    second, first = filed.provided(**day(2)), filed.provided(**day(1))
    make.reserved(**day(4))
    make.cancelled(**day(5))
    rows = reader.get(QUEUE).context["cl"].result_list
    assert [row.pk for row in rows] == [first.pk, second.pk, late.pk]


def test_the_queue_shows_what_a_file_is_about(reader):
    made = make.reserved()
    filed.report(made, distance_km=Decimal("18.4"))
    filed.attach(made)
    page = reader.get(QUEUE).content.decode()
    expected = (
        f">{made.pk}</a>",
        "104,82\u00a0$",
        "6\u00a0mars\u00a02025",
        str(make.alice()),
        "espagnol",
        "En présence",
        "1\u00a0h\u00a030",
        "18,4\u00a0km",
    )
    for words in expected:
        assert words in page


@pytest.mark.parametrize(
    ("outcome", "words"), [(Outcome.PATIENT_ABSENT, "En présence, usager absent"), (Outcome.RENDERED, "En présence<")]
)
def test_the_queue_says_what_a_file_is(reader, outcome, words):
    filed.report(make.reserved(), outcome=outcome)
    assert words in reader.get(QUEUE).content.decode()


def test_an_empty_queue_says_so(reader):
    assert "Tout est validé." in reader.get(QUEUE).content.decode()


@pytest.mark.parametrize("filters", ["", "?alertes=sans", "?alertes=avec&region=06&age=anciens&retournee=non&q=ali"])
def test_the_queue_costs_the_same_for_three_files_and_for_sixty(reader, filters, django_assert_max_num_queries):
    def statements():
        with django_assert_max_num_queries(25) as captured:
            reader.get(QUEUE + filters)
        return len(captured)

    made = make.reserved()
    filed.report(made, communications=[filed.row(NOW)])
    filed.attach(made)
    made = ServiceRequest.objects.get(pk=made.pk)
    filed.copies(made, 2)
    three = statements()
    filed.copies(made, 57, apart=timedelta(minutes=-90))
    assert statements() == three


@pytest.mark.parametrize("who", [make.alice, make.requester, make.coordinator, make.administrator])
def test_the_queue_is_the_validators_alone(browse, who):
    made = filed.provided()
    reader = browse(who())
    for address in (QUEUE, url(made)):
        assert reader.get(address).status_code in (302, 403)
    assert reader.post(url(made), seen(made, valider="1")).status_code in (302, 403)
    assert ServiceRequest.objects.get(pk=made.pk).status == Status.PROVIDED


def test_nothing_is_added_or_deleted_here(reader):
    made = filed.provided()
    assert reader.get(f"{QUEUE}add/").status_code == 403
    assert reader.post(f"{QUEUE}{made.pk}/delete/", {"post": "yes"}).status_code == 403
    assert reader.post(QUEUE, {"action": "delete_selected", "_selected_action": made.pk}).status_code != 500
    assert ServiceRequest.objects.filter(pk=made.pk).exists()


# One file


def test_a_file_shows_what_was_asked_beside_what_was_done(reader):
    made = make.reserved()
    filed.report(made, distance_km=Decimal("18.4"), comments="Tout va bien.", communications=[filed.row(NOW)])
    filed.attach(made)
    page = reader.get(url(made)).content.decode()
    expected = (
        "Demandé",
        "Réalisé",
        "Durée prévue",
        "Durée de présence",
        "18,4\u00a0km",
        "Tout va bien.",
        "facture.jpg",
    )
    for words in (
        *expected,
        "Confirmation du rendez-vous",
        "Kilométrage",
        "104,82\u00a0$",
        "Détails de l’achèvement remplis",
    ):
        assert words in page


def test_parking_without_a_receipt_is_pointed_at(reader):
    made = make.reserved()
    filed.report(made, parking_amount=Decimal("14.00"))
    assert 'class="flag">14,00\u00a0$, sans facture' in reader.get(url(made)).content.decode()


def test_what_a_correction_changed_is_shown(reader):
    made = make.reserved()
    filed.report(made, communications=[filed.row(NOW)])
    fields = {"distance_km": Decimal("30"), "outcome": Outcome.PATIENT_ABSENT, "communications": []}
    filed.report(made, at=END + 2 * HOUR, **filed.times(made, length=HOUR), **fields)
    page = reader.get(url(made)).content.decode()
    assert "Révision 2" in page
    for words in ("<ins>30\u00a0km</ins>", "<del>Oui</del>", "<del>Communications\u00a0:<br>1- 2025-03-03 10h00"):
        assert words in page.replace("Communications :", "Communications\u00a0:")


@pytest.mark.parametrize("kind", [ServiceType.VIDEO, ServiceType.TRANSLATION])
def test_every_kind_of_service_is_shown(reader, kind):
    made = make.reserved(service_type=kind)
    filed.report(made, **({"word_count": 300} if kind == ServiceType.TRANSLATION else {}))
    assert reader.get(url(made)).status_code == 200


@pytest.mark.parametrize(
    "address", [f"{QUEUE}999999/", f"{QUEUE}abc/", f"{QUEUE}99999999999999999999/", f"{QUEUE}1_2F/"]
)
def test_a_file_that_does_not_exist_is_not_found(reader, address):
    assert reader.get(address + "change/").status_code == 404


# Validating


def test_validating_freezes_the_file_and_opens_the_next(reader):
    first, second = filed.provided(**day(1)), filed.provided(**day(2))
    response = reader.post(url(first), seen(first, valider="1"))
    assert (response.status_code, response.url) == (302, url(second))
    stored = ServiceRequest.objects.get(pk=first.pk)
    assert (stored.status, stored.validated_by) == (Status.COMPLETED, make.validator())
    assert stored.pay_lines.exists()


def test_the_next_file_is_the_one_that_follows_and_not_one_returned(reader):
    oldest, opened, returned, following = (filed.provided(**day(number)) for number in range(4))
    decisions.return_for_correction(returned, by=make.validator(), at=END + timedelta(days=5), reason="À revoir")
    assert reader.post(url(opened), seen(opened, valider="1")).url == url(following)
    assert reader.post(url(following), seen(following, valider="1")).url == url(oldest)


def test_after_the_last_file_everything_is_validated(reader):
    made = filed.provided()
    response = reader.post(url(made), seen(made, valider="1"), follow=True)
    assert response.redirect_chain[-1][0] == QUEUE
    assert "Tout est validé." in response.content.decode()


def test_a_file_corrected_meanwhile_is_shown_again_and_nothing_is_written(reader):
    made = filed.provided()
    sent = seen(made, valider="1")
    filed.report(made, at=END + 2 * HOUR, distance_km=Decimal("77"))
    response = reader.post(url(made), sent)
    assert response.status_code == 409
    assert "77\u00a0km" in response.content.decode()
    assert ServiceRequest.objects.get(pk=made.pk).status == Status.PROVIDED


@pytest.mark.parametrize(
    "change",
    [
        filed.attach,
        lambda made: make.communication(made, made_at=END + HOUR),
        lambda made: post_message(made, by=make.alice(), at=END + HOUR, body="Ne validez pas."),
        lambda made: PayPolicy.objects.update(hourly_rate=50),
    ],
    ids=["receipt", "communication", "message", "tariff"],
)
def test_what_changes_meanwhile_stops_the_validation_of_one_file_or_many(reader, change):
    made = filed.provided()
    sent, in_list = seen(made, valider="1"), reader.get(QUEUE).context["cl"].result_list[0].seen
    assert in_list == sent["seen"]
    change(made)
    assert reader.post(url(made), sent).status_code == 409
    with pytest.raises(Stale):
        decisions.validate_clean(made, by=make.validator(), at=END + 2 * HOUR, seen=in_list)
    assert made.pay_lines.count() == 0


def test_a_file_validated_twice_is_validated_once(reader):
    made = filed.provided()
    sent = seen(made, valider="1")
    assert [reader.post(url(made), sent).status_code for _ in range(2)] == [302, 409]
    assert made.pay_lines.filter(kind="service").count() == 1


def test_what_a_colleague_just_validated_is_said_with_who_and_when_and_what_was_typed(reader):
    made = filed.provided()
    sent = seen(made, retourner="1", reason="Vérifiez la distance.")
    decisions.validate(made, by=make.person("Vera", "validator"), at=timezone.now())
    answer = reader.post(url(made), sent)
    assert answer.status_code == 409
    assert "Déjà validée par Vera Nom-de-Vera à " in said(answer)
    assert "Vous aviez écrit : « Vérifiez la distance. »" in said(answer)


def test_two_buttons_decide_nothing(reader):
    made = filed.provided()
    assert reader.post(url(made), seen(made, valider="1", retourner="1", reason="Non")).status_code == 422
    assert ServiceRequest.objects.get(pk=made.pk).status == Status.PROVIDED


def test_a_reason_typed_is_kept_after_a_refusal(reader):
    made = filed.provided()
    sent = seen(made, retourner="1", reason="Vérifiez la distance.")
    filed.attach(made)
    assert re.search(
        r"(?s)<details open>.*Vérifiez la distance\.</textarea>", reader.post(url(made), sent).content.decode()
    )


def test_without_its_answer_a_returned_file_is_validated_by_a_tick_of_its_own(reader):
    made = filed.provided()
    decisions.return_for_correction(made, by=make.validator(), at=END + HOUR, reason="À revoir")
    assert "sans réponse à la demande de correction du 6 mars" in said(reader.get(url(made)))
    refused = reader.post(url(made), seen(made, valider="1"))
    assert (refused.status_code, list(errors(refused))) == (422, ["unanswered"])
    with pytest.raises(Stale):
        decisions.validate(made, by=make.validator(), at=END + 2 * HOUR, alerts=[])
    assert reader.post(url(made), seen(made, valider="1", unanswered="on")).status_code == 302
    assert "validée par la BI, sans réponse au retour" in said(reader.get(url(made)))


def test_parking_without_a_receipt_is_not_validated(reader):
    made = make.reserved()
    filed.report(made, parking_amount=Decimal("14.00"))
    response = reader.post(url(made), seen(made, valider="1"))
    assert response.status_code == 409
    assert "n’a pas de facture" in response.content.decode()


def test_a_post_without_what_was_seen_validates_nothing(reader):
    made = filed.provided()
    assert reader.post(url(made), {"valider": "1"}).status_code == 422
    assert reader.post(url(made), {}).status_code == 422
    assert ServiceRequest.objects.get(pk=made.pk).status == Status.PROVIDED


def test_a_late_cancellation_and_a_relay_are_validated_with_nothing_filed(reader):
    made = make.reserved(**day(1))
    make.communication(made, made_at=NOW)
    relay = requests.mark_unallocated(made, by=make.alice(), at=NOW + HOUR)
    late = make.reserved()
    requests.cancel(late, by=make.requester(), at=START - HOUR, reason=CancellationReason.BY_REQUESTER)
    for file in (relay, late):
        assert reader.post(url(file), seen(file, valider="1")).status_code == 302
    assert ServiceRequest.objects.filter(status=Status.COMPLETED).count() == 2


def test_a_closed_file_is_read_only(reader):
    made = filed.provided()
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    page = reader.get(url(made)).content.decode()
    assert "Lignes de paie" in page
    assert "Valider et passer à la suivante" not in page


# Returning


def test_a_file_is_returned_with_a_reason(reader):
    made = filed.provided()
    response = reader.post(url(made), seen(made, retourner="1", reason="Vérifiez la distance."))
    assert response.status_code == 302
    assert make.alice().notifications.filter(topic="returned").exists()
    assert made.completion.return_reason == "Vérifiez la distance."


@pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
def test_a_file_is_not_returned_without_a_good_reason(reader, reason):
    made = filed.provided()
    response = reader.post(url(made), seen(made, retourner="1", reason=reason))
    assert response.status_code == 422
    assert made.completion.returned_at is None


def test_a_file_corrected_meanwhile_is_not_returned(reader):
    made = filed.provided()
    sent = seen(made, retourner="1", reason="Vérifiez la distance.")
    filed.report(made, at=END + 2 * HOUR, waiting_minutes=5)
    assert reader.post(url(made), sent).status_code == 409


def test_a_late_cancellation_nobody_filed_cannot_be_returned(reader):
    made = make.reserved()
    requests.cancel(made, by=make.requester(), at=START - HOUR, reason=CancellationReason.BY_REQUESTER)
    assert "Raison du retour" not in reader.get(url(made)).content.decode()
    assert reader.post(url(made), seen(made, retourner="1", reason="Remplissez-le.")).status_code == 409


def test_a_form_that_names_no_button_pays_nothing(reader):
    made = filed.provided()
    assert reader.post(url(made), seen(made, nothing="1")).status_code == 422
    assert ServiceRequest.objects.get(pk=made.pk).status == Status.PROVIDED
