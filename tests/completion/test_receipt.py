"""The receipt: what was filed and what it pays, on a page that may travel; with the panel it is printed from."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from completion import decisions
from requests_app import services as requests
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, PERSONAL
from tests.pages import ago, said, signed_in

pytestmark = pytest.mark.django_db
PATIENT = ("patient_name", "patient_phone", "patient_file_number")


def made_and_filed(**fields):
    made = make.reserved(at=ago(9), starts_at=ago(3), are_communications_requested=True)
    filed.attach(made, name="recu.jpg", at=made.ends_at)
    row = filed.row(ago(5))
    filed.report(made, at=made.ends_at, distance_km=Decimal("18.4"), communications=[row], **fields)
    return made


def receipt(made, user=None):
    return signed_in(user or make.alice()).get(f"/demandes/{made.pk}/achevement/recu/")


def test_a_receipt_says_what_was_filed_and_what_it_pays():
    made = made_and_filed(parking_amount=Decimal(14))
    filed.signed(made, at=timezone.now(), drawing=False)
    read = said(receipt(made))
    for words in (
        f"Reçu de la demande {made.pk}",
        "Clinique des Érables",
        "18,4 km aller",
        "1- ",
        "Confirmation du rendez-vous",
        "recu.jpg (Facture de stationnement)",
        "Interprète : Alice",
        "Estimation",
        "Révision 1,",
        "Alice Nom-de-Alice",
        "514-597-3284 · biq@ssss.gouv.qc.ca",
    ):
        assert words in read
    assert "vous" not in read.partition("Enregistré")[2].partition("Banque")[0]


@pytest.mark.parametrize("who", [make.alice, make.coordinator, make.validator])
def test_a_printed_page_never_names_the_patient_even_as_people_typed_it(who):
    name = PERSONAL["patient_name"]
    typed = f"M. {name.split()[-1].upper()} ({PERSONAL['patient_file_number']}) était en retard; {name} a appelé."
    made = made_and_filed(comments=typed)
    filed.report(made, at=timezone.now(), comments=f"Joint au {PERSONAL['patient_phone']}.")
    made.attachments.update(name=f"{name}.jpg")
    read = receipt(made, who()).content.decode().lower()
    assert [PERSONAL[field] for field in PATIENT if PERSONAL[field].lower() in read] == []
    assert name.split()[-1].lower() not in read and "[usager]" in read


def test_each_correction_says_what_it_changed_in_the_panel_and_on_paper():
    made = made_and_filed()
    later = {"actual_starts_at": made.starts_at, "actual_ends_at": made.ends_at + timedelta(minutes=20)}
    filed.report(made, at=timezone.now(), **later)
    for page in (receipt(made), signed_in(make.alice()).get(f"/demandes/{made.pk}/")):
        assert "Révision 2," in said(page) and "Fin réelle : 14 h 30 → 14 h 50" in said(page)


def test_the_bi_that_files_for_somebody_is_not_named_to_them():
    made = make.reserved(at=ago(9), starts_at=ago(3))
    filed.report(made, by=make.coordinator(), at=timezone.now(), note="Dicté.")
    read = said(receipt(made))
    assert "BI du RSSS" in read and "Corinne" not in read
    assert make.alice().notifications.filter(topic="filed").exists()


def test_what_one_files_oneself_is_not_told_to_oneself():
    made_and_filed()
    assert not make.alice().notifications.filter(topic="filed").exists()


def test_at_acheve_the_amounts_are_frozen_and_an_error_is_written_to_the_bi():
    made = made_and_filed()
    decisions.validate(made, by=make.validator(), at=timezone.now())
    assert "Montants fixés à l’achèvement." in said(receipt(made))
    page = signed_in(make.alice()).get(f"/demandes/{made.pk}/")
    assert "Pour signaler une erreur, écrivez à la BI" in said(page) and "Signer" not in said(page)


def test_a_relay_has_its_receipt():
    made = make.reserved(at=ago(9), starts_at=timezone.now() + 99 * HOUR)
    make.communication(made, made_at=ago(2))
    relay = requests.mark_unallocated(made, by=make.alice(), at=timezone.now())
    page = receipt(relay)
    assert (page.status_code, "Confirmation du rendez-vous" in said(page)) == (200, True)


@pytest.mark.parametrize("build", [make.reserved, make.cancelled])
def test_there_is_no_receipt_before_anything_is_filed(build):
    page = receipt(build())
    assert (page.status_code, "il n’y a pas encore de reçu" in said(page)) == (409, True)


def test_after_saving_the_receipt_is_one_click_away():
    made, client = make.reserved(at=ago(9), starts_at=ago(3)), signed_in(make.alice())
    given = {"version": made.version, "key": "7a3e1c1e-1f0a-4f0e-9a58-0f6a6d0a1b2c", "is_rendered": "oui"}
    given |= {
        "start_time": "13h",
        "end_time": "14h30",
        "communications-TOTAL_FORMS": 0,
        "communications-INITIAL_FORMS": 0,
    }
    page = client.post(f"/demandes/{made.pk}/achevement/", given, follow=True)
    assert "Reçu à imprimer" in said(page).partition(f"Demande {made.pk} ")[0]


def test_a_receipt_asks_a_fixed_number_of_times():
    made, counts = made_and_filed(), []
    client = signed_in(make.alice())
    for number in range(2):
        with CaptureQueriesContext(connection) as asked:
            client.get(f"/demandes/{made.pk}/achevement/recu/")
        counts.append(len(asked))
        for more in range(6 * (1 - number)):
            make.communication(made, made_at=ago(1) + more * HOUR)
            filed.attach(made, content=filed.image(size=(9 + more, 9)), at=timezone.now())
            filed.report(made, at=timezone.now(), comments=f"{more}")
        filed.signed(made, at=timezone.now())
    assert counts[0] == counts[1] <= 9
