"""The live estimate of the form: what it shows before saving is what the page shows after (domain « Pay »)."""

import re
from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest
from django.urls import reverse

from accounts.french import money
from billing.services import estimate, policy_of
from completion.facts import pay_facts
from completion.mileage import Mileage
from completion.models import Attachment, Completion
from requests_app.distances import Distances
from requests_app.models import ServiceRequest
from requests_app.workflow import ServiceType
from tests import make
from tests.completion import make as filed
from tests.completion.test_views import form, row, url
from tests.make import HOUR, NOW
from tests.pages import errors, said, signed_in, written

pytestmark = pytest.mark.django_db
ASKED = {"requested_by_name": "Dre Q.", "justification": "À jeun"}
ANSWERS = {
    "rendered": {"is_rendered": "oui"},
    "told late": {"is_rendered": "non", "what_happened": "cancelled", "told_date": "2025-03-06", "told_time": "9h"},
    "told early": {"is_rendered": "non", "what_happened": "cancelled", "told_date": "2025-03-03", "told_time": "9h"},
    "not told": {"is_rendered": "non", "what_happened": "cancelled"},
    "patient absent": {"is_rendered": "non", "what_happened": "patient_absent", "end_time": "13h20"},
    "professional absent": {"is_rendered": "non", "what_happened": "professional_absent"},
}
SPOKEN = {
    ServiceType.ON_SITE: {"distance_km": "18,4", "parking_amount": "14", "travel_minutes": "45", "end_time": "1520"},
    ServiceType.PHONE: {"end_time": "16 h 05", "waiting_minutes": "20"},
    ServiceType.VIDEO: {},
}
WRITTEN = {ServiceType.TRANSLATION: {"word_count": "1 240"}, ServiceType.REVISION: {"word_count": "999"}}
CASES = [*product(SPOKEN.items(), ANSWERS), *product(WRITTEN.items(), ["rendered", "not told"])]


def shown(response) -> str:
    """The total that a page or a fragment says."""
    found = re.search(r'id="total"[^>]*>Estimation\s: <b>([^<]*)</b>', response.content.decode())
    return found[1] if found else ""


def plain(response) -> str:
    return said(response).replace("\u00a0", " ")


def ask(client, service_request, sent):
    return client.post(url(service_request, "estimate"), sent)


@pytest.mark.parametrize(("service", "answer"), CASES, ids=lambda given: str(given[0] if len(given) == 2 else given))
def test_what_is_shown_before_saving_is_what_is_paid_after(service, answer):
    service_type, fields = service
    made, client = make.reserved(service_type=service_type), signed_in(make.alice())
    if service_type == ServiceType.ON_SITE:
        filed.attach(made)
    typed = "1- 2025-03-04 9h15 Rappel du rendez-vous à l'utilisateur"
    sent = form(made, rows=[row(**ASKED), row(time="8h")], comments=typed, **{**fields, **ANSWERS[answer]})
    before = shown(ask(client, made, sent))
    assert client.post(url(made), sent).status_code == 302
    fresh = ServiceRequest.objects.get(pk=made.pk)
    assert before == money(estimate(fresh, pay_facts(fresh)).total)
    assert shown(client.get(url(made))) == before


@pytest.mark.parametrize("build", [make.cancelled, "relay"], ids=["claim", "relay"])
def test_communications_alone_are_estimated_too(build):
    made = make.reserved() if build == "relay" else build()
    if build == "relay":
        make.communication(made, made_at=NOW - HOUR)
        made = make.services.mark_unallocated(made, by=make.alice(), at=NOW)
    sent = form(made, rows=[row(time="9h", **ASKED), row(date="2025-03-02", **ASKED)])
    assert shown(ask(signed_in(make.alice()), made, sent)) == money(Decimal("20.50"))


WAITS_FOR = [
    ({"is_rendered": ""}, "Service fourni : Indiquez si le service a été rendu."),
    ({"is_rendered": "non"}, "Que s’est-il passé? : Dites ce qui s’est passé."),
    ({"end_time": ""}, "Fin réelle : Indiquez l’heure réelle."),
    ({"end_time": "25h"}, "Fin réelle : Cette heure n’existe pas"),
    ({"distance_km": "loin"}, "Distance parcourue (km) :"),
    ({"comments": "2999-01-01 14h10 Rappel"}, "Commentaires sur la demande :"),
    ({"version": "x"}, "Page : Rouvrez la page"),
]


def test_an_estimate_says_which_field_it_waits_for():
    made, client = make.reserved(), signed_in(make.alice())
    for fields, waits_for in WAITS_FOR:
        answer = ask(client, made, form(made, **fields))
        assert (answer.status_code, shown(answer)) == (200, "—")
        assert waits_for in plain(answer)


def test_a_communication_half_typed_is_named():
    made = make.reserved()
    answer = ask(signed_in(make.alice()), made, form(made, rows=[row(), row(purpose="")]))
    assert "Communication 2, Objectif" in said(answer)


def test_an_estimate_writes_nothing():
    made, client = make.reserved(), signed_in(make.alice())
    make.communication(made, made_at=NOW)
    before = written(made)
    ask(client, made, form(made, rows=[row(**ASKED)], comments="1- 2025-03-04 9h15 Rappel"))
    assert written(made) == before
    assert (Completion.objects.count(), Attachment.objects.count()) == (0, 0)


def test_an_estimate_does_not_wait_for_the_note_of_a_coordinator():
    made = make.reserved()
    assert shown(ask(signed_in(make.coordinator()), made, form(made))) == money(Decimal(82))


@pytest.mark.parametrize("count", [1, 12])
def test_an_estimate_asks_a_fixed_number_of_statements(count, django_assert_num_queries):
    made, client = make.reserved(), signed_in(make.alice())
    for minutes in range(count):
        make.communication(made, made_at=NOW - timedelta(minutes=minutes))
    sent = form(made, rows=[row(time=f"9h{10 + minute}", **ASKED) for minute in range(count)])
    with django_assert_num_queries(9):
        assert ask(client, made, sent).status_code == 200


# What is said beside the fields


PRESENCES = {
    "1520": "Présence : 2 h 20",
    "0h30": "Présence : 11 h 30, du jeudi 6 mars, 13 h, au vendredi 7 mars, 0 h 30",
    "12h": "De 13 h à 12 h, il y aurait 23 h de présence : vérifiez les deux heures.",
    "13h": "La fin doit suivre le début.",
}


def test_the_presence_is_said_in_words():
    made, client = make.reserved(), signed_in(make.alice())
    for end, said_so in PRESENCES.items():
        assert said_so in plain(ask(client, made, form(made, end_time=end)))


def test_a_start_far_from_the_booked_one_says_its_day():
    made, client = make.reserved(), signed_in(make.alice())
    for start, is_dated in {"10h": False, "959": True, "16h": False, "1601": True}.items():
        answer = ask(client, made, form(made, start_time=start, end_time="17h"))
        assert ("du jeudi 6 mars" in plain(answer)) is is_dated


LINES = {
    "15,9": "0 $ : 16 km ou moins, aller seulement.",
    "16": "0 $ : 16 km ou moins, aller seulement.",
    "16,1": "16,1 km, plus de 16 km : 32,2 km × 0,62 $ = 19,96 $",
    "18,4": "18,4 km, plus de 16 km : 36,8 km × 0,62 $ = 22,82 $",
}


def test_the_16_km_line_is_explained_live_even_before_service_fourni_is_answered():
    made, client = make.reserved(), signed_in(make.alice())
    for km, said_so in LINES.items():
        assert said_so in plain(ask(client, made, form(made, distance_km=km, is_rendered="")))


@pytest.mark.parametrize(("length", "is_far"), [("24", False), ("24.1", True), ("40", True)])
def test_a_distance_that_the_bi_will_question_says_so(length, is_far):
    made = make.reserved()
    known = Distances(home_km=Decimal(20), head_office_km=Decimal(30))
    mileage = Mileage(known=known, policy=policy_of(made), service_request=made)
    warning = "Plus de 20\u00a0% au-dessus de l’estimation la plus courte (20\u00a0km)\u00a0: la BI vérifiera."
    assert (warning in mileage.said(Decimal(length))) is is_far


@pytest.mark.parametrize(
    ("name", "typed", "kept"),
    [("waiting_minutes", "90", 90), ("travel_minutes", "1h30", 90), ("travel_minutes", "45 min", 45)],
)
def test_a_length_is_read_in_hours_or_in_minutes(name, typed, kept):
    made, client = make.reserved(), signed_in(make.alice())
    assert client.post(url(made), form(made, **{name: typed})).status_code == 302
    assert getattr(made.completion, name) == kept


def test_a_zero_as_in_the_faq_claims_nothing():
    made, client = make.reserved(service_type=ServiceType.PHONE), signed_in(make.alice())
    assert client.post(url(made), form(made, distance_km="0")).status_code == 302
    assert made.completion.distance_km is None


def test_the_calls_are_counted_with_the_lines_typed_in_the_comments():
    made = make.reserved()
    sent = form(made, rows=[row(), row(time="8h", channel="email")], comments="1- 2025-03-04 9h15 Rappel")
    counted = plain(ask(signed_in(make.alice()), made, sent))
    assert "Nombre de communications : 3 · Appels téléphoniques : 1" in counted


def test_a_line_that_is_not_read_is_named_and_hides_none_of_the_others():
    made, client = make.reserved(), signed_in(make.alice())
    lines = "1- 2025-03-04 9h15 Rappel\n04-03-2025 9h Rappel\n2099-03-04 9h15 Rappel"
    page = plain(ask(client, made, form(made, comments=lines)))
    assert "Nombre de communications : 1" in page
    assert "n’est pas lue : « 04-03-2025 9h Rappel ». Écrivez-la ainsi : 2024-12-01 14h10 Confirmation" in page
    refused = client.post(url(made), form(made, comments=lines, end_time=""))
    assert {"comments", "end_time"} <= errors(refused).keys()


def test_the_button_without_javascript_shows_what_was_typed_unjudged_and_the_estimate():
    made = make.reserved()
    sent = form(made, end_time="1520", comments="À garder", estimer="1")
    page = signed_in(make.alice()).post(url(made), sent)
    assert (page.status_code, shown(page)) == (200, money(Decimal("102.50")))
    assert 'value="1520"' in page.content.decode() and "À garder" in page.content.decode()
    assert not Completion.objects.exists()


def test_an_estimate_is_for_those_who_may_file():
    made = make.reserved()
    address = reverse("completion:estimate", args=[made.pk])
    answers = [signed_in(who()).post(address).status_code for who in (make.bob, make.requester, make.validator)]
    assert answers == [404, 403, 403]
