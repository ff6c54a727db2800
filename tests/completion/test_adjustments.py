"""After Achevé, a validator corrects a frozen line from the page of the file; the interpreter is told and reads why."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.mail import email_for
from accounts.models import Notification
from billing.ledger import adjust, ledger
from billing.models import PayLine
from completion import decisions
from requests_app.models import ServiceRequest
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, PERSONAL, START
from tests.pages import errors, press, said, signed_in

pytestmark = pytest.mark.django_db
LATER = START + 6 * HOUR
REASON = "Le kilométrage a été vérifié."
QUEUE = "/admin/completion/review/"


def achieved(**fields):
    """Alice's visit, 20 km away, validated."""
    made = make.reserved(**fields)
    filed.report(made, distance_km=Decimal("20"))
    decisions.validate(made, by=make.validator(), at=made.ends_at + 2 * HOUR)
    return made


def mileage(made) -> PayLine:
    return next(line for line in ledger(made) if line.kind == "mileage")


def page(made) -> str:
    return reverse("admin:completion_review_change", args=[made.pk])


def correct(made, *, by=None, line=None, **typed):
    given = {"amount": "30,00", "reason": REASON, "corriger": (line or mileage(made)).pk}
    return signed_in(by or make.validator()).post(page(made), given | typed)


def amounts(made) -> list[str]:
    return [str(line.amount) for line in ledger(made)]


# From the page


def test_a_line_is_corrected_from_the_page_of_its_file():
    made = achieved()
    response = correct(made)
    assert (response.status_code, response.url) == (302, page(made))
    assert amounts(made) == ["82.00", "24.80", "-24.80", "30.00"]
    assert ledger(made)[-1].reason == REASON


@pytest.mark.parametrize("typed", ["30", "30,00", "30.00 $", "30,00\u00a0$"])
def test_an_amount_is_typed_as_people_type_it(typed):
    made = achieved()
    correct(made, amount=typed)
    assert amounts(made)[-1] == "30.00"


def test_each_line_not_yet_corrected_has_its_form():
    made, reader = achieved(), signed_in(make.validator())
    correctable = set(PayLine.objects.filter(service_request=made).values_list("pk", flat=True))
    assert {form.about.pk for form in reader.get(page(made)).context["corrections"]} == correctable
    wrong = mileage(made)
    correct(made)
    left = {form.about.pk for form in reader.get(page(made)).context["corrections"]}
    assert left == (correctable - {wrong.pk}) | {ledger(made)[-1].pk}


def test_the_form_of_the_page_is_the_one_that_corrects():
    made, reader = achieved(), signed_in(make.validator())
    first = ledger(made)[0]
    press(reader, page(made), "Corriger cette ligne", amount="90", reason=REASON, corriger=first.pk)
    assert amounts(made) == ["82.00", "24.80", "-82.00", "90.00"]


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("amount", ""),
        ("amount", "beaucoup"),
        ("amount", "-1"),
        ("amount", "24,80"),
        ("amount", "1,005"),
        ("amount", "1000000,01"),
        ("amount", "NaN"),
        ("amount", "Infinity"),
        ("reason", ""),
        ("reason", "  "),
        ("reason", "x" * 301),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(field, typed):
    made = achieved()
    response = correct(made, **{field: typed})
    assert response.status_code == 422
    assert list(errors(response)) == [f"{field}_{mileage(made).pk}"]
    assert amounts(made) == ["82.00", "24.80"]


def test_what_was_typed_is_shown_again_with_its_error():
    made = achieved()
    response = correct(made, amount="30,00", reason="")
    assert "Dites à l’interprète pourquoi la ligne est corrigée." in said(response)
    assert 'value="30,00"' in response.content.decode()


def test_a_line_corrected_meanwhile_is_shown_again():
    made = achieved()
    wrong = mileage(made)
    correct(made)
    response = correct(made, line=wrong)
    assert response.status_code == 409
    assert "Cette ligne est déjà corrigée." in said(response)
    assert len(ledger(made)) == 4


def test_whoever_filed_the_report_neither_corrects_nor_is_offered_to():
    made = achieved()
    ServiceRequest.objects.filter(pk=made.pk).update(filed_by=make.person("Vera", "validator"))
    vera = make.person("Vera", "validator")
    assert "Corriger" not in said(signed_in(vera).get(page(made)))
    assert correct(made, by=vera).status_code == 409
    assert len(ledger(made)) == 2


@pytest.mark.parametrize("number", ["", "abc", "²", "9" * 19, "999999"])
def test_a_line_that_does_not_exist_is_not_found(number):
    assert correct(achieved(), corriger=number).status_code == 404


def test_a_line_of_another_file_is_not_found():
    made, other = achieved(), achieved(starts_at=START + make.timedelta(days=1))
    assert correct(made, line=mileage(other)).status_code == 404
    assert len(ledger(other)) == 2


def test_before_acheve_there_is_nothing_to_correct():
    made = filed.provided()
    assert "Corriger" not in said(signed_in(make.validator()).get(page(made)))


def test_a_correction_stays_under_the_line_it_corrects():
    made = achieved()
    correct(made, line=ledger(made)[0], amount="90")
    correct(made, line=ledger(made)[-1], amount="91")
    shown = signed_in(make.validator()).get(page(made)).context["pay"]["lines"]
    assert [str(line.amount) for line in shown] == ["82.00", "-82.00", "90.00", "-90.00", "91.00", "24.80"]


@pytest.mark.parametrize(("who", "signed"), [(make.alice, "BI du RSSS"), (make.coordinator, "Valère"), (None, "vous")])
def test_history_says_who_corrected_a_line(who, signed):
    made = achieved()
    correct(made)
    address = f"/demandes/{made.pk}/" if who else page(made)
    read = said(signed_in((who or make.validator)()).get(address))
    told = read[read.index("Ligne de paie corrigée : Kilométrage, de 24,80 $ à 30,00 $") :]
    assert signed in told[:120] and REASON in told


def test_a_requester_reads_of_no_correction():
    made = achieved()
    correct(made)
    assert "corrigée" not in said(signed_in(make.requester()).get(f"/demandes/{made.pk}/"))


# To the page


def test_a_completed_file_opens_without_a_button_of_the_queue():
    read = said(signed_in(make.validator()).get(page(achieved())))
    assert "Lignes de paie" in read and "Kilométrage" in read
    assert "Valider" not in read and "Retourner" not in read


def test_a_completed_request_is_found_by_its_number_and_is_not_in_the_queue():
    made, waiting = achieved(), filed.provided(starts_at=START + make.timedelta(days=1))
    reader = signed_in(make.validator())

    def found(**query):
        return [row.pk for row in reader.get(QUEUE, query).context["cl"].result_list]

    assert (found(), found(q=f" {made.pk} "), found(q=str(waiting.pk))) == ([waiting.pk], [made.pk], [waiting.pk])


@pytest.mark.parametrize("text", ["abc", "²", "9" * 19, "999999", "-1"])
def test_a_number_nobody_has_finds_nothing(text):
    assert "Aucune demande à valider ou achevée ne porte ce numéro." in said(
        signed_in(make.validator()).get(QUEUE, {"q": text})
    )


def test_a_request_still_reserved_is_not_found_here():
    made = make.reserved()
    assert not signed_in(make.validator()).get(QUEUE, {"q": made.pk}).context["cl"].result_list


def test_the_ledger_leads_to_the_file():
    made = achieved()
    line = reverse("admin:billing_payline_change", args=[mileage(made).pk])
    assert f'href="{page(made)}"' in signed_in(make.validator()).get(line).content.decode()


@pytest.mark.parametrize(("who", "is_led"), [(make.validator, True), (make.coordinator, False), (make.alice, False)])
def test_the_pay_of_a_request_leads_a_validator_to_the_file(who, is_led):
    made = achieved()
    shown = signed_in(who()).get(reverse("requests:detail", args=[made.pk])).content.decode()
    assert (f'href="{page(made)}"' in shown) is is_led


# Who knows


@pytest.mark.parametrize("who", [make.alice, make.validator])
def test_the_interpreter_and_the_validator_read_both_lines_with_the_reason(who):
    made = achieved()
    correct(made)
    read = said(signed_in(who()).get(reverse("requests:detail", args=[made.pk])))
    assert "Annule la ligne de 24,80 $" in read and f"Correction : {REASON}" in read
    for amount in ("−24,80 $", "30,00 $", "112,00 $"):
        assert amount in read


def test_the_interpreter_is_told_once():
    made = achieved()
    correct(made)
    told = Notification.objects.filter(topic="adjusted")
    assert [(one.user, one.about) for one in told] == [(make.alice(), f"request:{made.pk}")]


def test_each_correction_is_told():
    made = achieved()
    correct(made)
    correct(made, line=ledger(made)[-1], amount="31")
    assert make.alice().notifications.filter(topic="adjusted").count() == 2


def test_a_correction_refused_tells_nobody():
    made = achieved()
    correct(made, reason="")
    correct(made, amount="-1")
    assert not Notification.objects.filter(topic="adjusted").exists()


def test_the_message_names_no_patient_no_place_no_amount_and_no_reason():
    made = achieved()
    adjust(mileage(made), by=make.validator(), at=LATER, amount=Decimal("30"), reason=REASON)
    message = email_for(make.alice().notifications.get(topic="adjusted"))
    written = f"{message.subject}\n{message.body}"
    for secret in (*PERSONAL.values(), str(made.facility), str(made.institution), REASON, "30,00", "24,80"):
        assert secret not in written
    assert f"Demande {made.pk}" in message.subject
    assert reverse("requests:detail", args=[made.pk]) in message.body


def test_the_page_costs_the_same_after_ten_corrections(django_assert_max_num_queries):
    made, reader, counts = achieved(), signed_in(make.validator()), []
    for corrections in (0, 10):
        for number in range(corrections):
            adjust(ledger(made)[-1], by=make.validator(), at=LATER, amount=Decimal(30 + number), reason=REASON)
        with django_assert_max_num_queries(20) as captured:
            reader.get(page(made))
        counts.append(len(captured))
    assert counts[0] == counts[1]
