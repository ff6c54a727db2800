"""Tariffs and the ledger in the admin: who reads them, what still changes, what never does."""

import re
from decimal import Decimal

import pytest

from billing import stakes
from billing.models import PayLine, PayPolicy
from completion.decisions import validate
from requests_app.models import ServiceRequest
from tests import make, pages
from tests.completion import make as filed
from tests.make import HOUR, START
from tests.pages import errors, form_with, forms, nobody, press, said, signed_in

pytestmark = pytest.mark.django_db
TARIFFS, LINES = "/admin/billing/paypolicy/", "/admin/billing/payline/"
TO_CONFIRM = "Tarifs à confirmer : les montants marqués sont provisoires."


RATES = {
    "hourly_rate": "52,5",
    "communication_fee": "10.25",
    "mileage_rate": "0,62",
    "travel_time_rate": "0",
    "word_rate_translation": "0,0625",
    "word_rate_revision": "0,10",
    "mileage_threshold_km": "16",
    "minimum_minutes": "120",
    "increment_minutes": "15",
    "mileage_mode": "round_trip_full",
    "effective_from": "2026-04-01",
}


def used():
    """The tariff that paid Alice."""
    made = make.reserved()
    filed.report(made, distance_km=Decimal("20"))
    validate(made, by=make.validator(), at=made.ends_at + 2 * HOUR)
    return made.pay_lines.first().policy


def current() -> PayPolicy:
    return PayPolicy.objects.published().latest("effective_from")


def draft(effective_from="2026-04-01", **rates) -> PayPolicy:
    given = {"drafted_by": make.validator(), "state": PayPolicy.State.DRAFT} | rates
    return make.policy(effective_from, **given)


def address(policy, step="change") -> str:
    return f"{TARIFFS}{policy.pk}/{step}/"


def form_with_rates(page):
    return next(form for form in forms(page) if "hourly_rate" in form.fields)


def typed_in(policy, **typed):
    seen = stakes.fingerprint(PayPolicy.objects.get(pk=policy.pk))
    return signed_in(make.validator()).post(address(policy), RATES | {"vu": seen} | typed)


# The list


def test_placeholder_tariffs_are_announced():
    assert TO_CONFIRM in said(signed_in(make.validator()).get(TARIFFS))


def test_confirmed_tariffs_are_not_announced():
    PayPolicy.objects.update(rates_confirmed=True)
    assert "Tarifs à confirmer" not in said(signed_in(make.validator()).get(TARIFFS))


def test_the_list_is_a_history_drafts_first():
    draft()
    text = said(signed_in(make.administrator()).get(TARIFFS))
    told = ["à partir du 1er avril 2026 Brouillon", "à partir du 4 novembre 2024 Publiée"]
    told.append("du 1er janvier 2000 au 3 novembre 2024 Publiée")
    assert [text.index(words) for words in told] == sorted(text.index(words) for words in told)


def test_the_list_says_the_rates_and_who_drafted():
    draft(hourly_rate=50)
    text = said(signed_in(make.administrator()).get(TARIFFS))
    assert "50,00 $ l’heure; minimum 2 h; par tranches de 15 min Valère Nom-de-Valère — à confirmer" in text


def test_the_list_asks_the_database_as_much_for_many_tariffs(django_assert_num_queries):
    client = signed_in(make.administrator())
    for day in range(1, 9):
        draft(f"2026-04-0{day}")
    with django_assert_num_queries(6):
        client.get(TARIFFS)


# The page of one


def test_a_tariff_is_read_in_words_beside_the_one_before_it():
    text = said(signed_in(make.administrator()).get(address(current())))
    assert "Minimum payé 2 h Arrondi supérieur par tranches de 15 min" in text
    assert "Ce qui change par rapport à la politique du 1er janv. 2000" in text
    assert "Temps de déplacement 41,00 $ l’heure non rémunéré" in text


def test_the_first_tariff_has_none_before_it():
    first = PayPolicy.objects.earliest("effective_from")
    assert "C’est la première politique." in said(signed_in(make.validator()).get(address(first)))


@pytest.mark.parametrize(
    ("who", "of", "buttons"),
    [
        (make.validator, draft, {"Copier en brouillon", "Abandonner le brouillon", "Enregistrer"}),
        (make.administrator, draft, {"Publier…"}),
        (make.validator, current, {"Copier en brouillon"}),
        (make.administrator, current, {"Confirmer les tarifs"}),
    ],
)
def test_the_page_offers_each_their_own_steps(who, of, buttons):
    page = signed_in(who()).get(address(of())).content.decode()
    known = ["Copier en brouillon", "Abandonner le brouillon", "Enregistrer", "Publier…", "Confirmer les tarifs"]
    assert {words for words in known if re.search(f'>{words}</(button|a)>|value="{words}"', page)} == buttons


@pytest.mark.parametrize(("typed", "rate"), [("52,5", "52.5"), ("52.5", "52.5"), ("1 043,50 $", "1043.5")])
def test_a_validator_edits_a_draft_as_people_type(typed, rate):
    made = draft()
    answer = typed_in(made, hourly_rate=typed)
    made.refresh_from_db()
    assert (answer.status_code, made.hourly_rate) == (302, Decimal(rate))
    assert made.word_rate_translation == Decimal("0.0625")


WRONG = {
    "hourly_rate": ["-1", "10000", "abc", "NaN", "1e2", "52,555", "", "\x00"],
    "communication_fee": ["10,255"],
    "minimum_minutes": ["1441", "-1", "99999"],
    "increment_minutes": ["0", "241"],
    "mileage_mode": ["as_the_crow_flies"],
    "effective_from": ["2099-01-01", "1999-12-31", "demain", "9999-12-31"],
}


@pytest.mark.parametrize("field", WRONG)
def test_a_tariff_that_cannot_be_is_refused_beside_its_field(field):
    made = draft()
    for value in WRONG[field]:
        page = typed_in(made, **{field: value})
        assert (page.status_code, list(page.context["adminform"].errors)) == (422, [field]), value
    made.refresh_from_db()
    assert made.hourly_rate == 41


def test_what_was_typed_beside_a_mistake_is_kept():
    page = typed_in(draft(), hourly_rate="52,5", minimum_minutes="9999")
    text = page.content.decode()
    assert 'value="52,5"' in text and 'value="9999"' in text
    assert "De 0 à 1440\u00a0minutes." in text
    # The cards tell what is stored.
    assert "41,00 $ l’heure" in said(page) and "52,50 $ l’heure" not in said(page)


def test_a_draft_saved_in_another_tab_is_not_written_over():
    made, client = draft(), signed_in(make.validator())
    first, second = [form_with_rates(client.get(address(made))) for _ in "12"]
    assert first.send(client, address(made), hourly_rate="44").status_code == 302
    page = second.send(client, address(made), communication_fee="11,00")
    assert page.status_code == 422 and 'value="11,00"' in page.content.decode()
    assert "Enregistré entre-temps : 44,00 $ l’heure." in said(page)
    # What is now on the page is what is stored.
    assert form_with_rates(page).send(client, address(made)).status_code == 302


def test_the_page_of_a_draft_has_no_empty_choice_and_each_id_once():
    page = signed_in(make.validator()).get(address(draft("2025-01-01"))).content.decode()
    assert "---------" not in page and page.count('id="id_effective_from"') == 1
    assert "commence à une date passée" in page


def test_a_draft_does_not_take_a_date_that_has_paid_somebody():
    used()
    page = typed_in(draft(), effective_from="2024-11-04")
    assert list(page.context["adminform"].errors) == ["effective_from"]


@pytest.mark.parametrize(("who", "status"), [(make.validator, 409), (make.administrator, 403)])
@pytest.mark.parametrize("of", [current, used])
def test_a_published_tariff_changes_for_nobody(who, status, of):
    policy = of()
    assert signed_in(who()).get(address(policy)).status_code == 200
    assert signed_in(who()).post(address(policy), RATES).status_code == status
    assert PayPolicy.objects.get(pk=policy.pk).hourly_rate == 41


def test_an_administrator_does_not_edit_a_draft():
    assert signed_in(make.administrator()).post(address(draft()), RATES).status_code == 403


@pytest.mark.parametrize("who", [make.validator, make.administrator])
@pytest.mark.parametrize("step", ["delete", "add"])
def test_a_tariff_is_neither_deleted_nor_written_from_nothing(who, step):
    at = f"{TARIFFS}add/" if step == "add" else address(current(), step)
    assert signed_in(who()).post(at, RATES | {"post": "yes"}).status_code == 403


def test_a_draft_published_while_it_is_typed_is_not_written_over():
    made = draft()
    client, at = signed_in(make.validator()), address(made)
    client.get(at)
    PayPolicy.objects.filter(pk=made.pk).update(state="published", published_at=make.NOW)
    page = client.post(at, RATES)
    assert page.status_code == 409 and TARIFFS in page.content.decode()
    assert "Durée de présence 52,5" in said(page) and "Calcul du kilométrage Aller-retour complet" in said(page)


@pytest.mark.parametrize("step", ["change", "copier", "abandonner", "publier", "confirmer"])
def test_a_draft_abandoned_meanwhile_is_said_so(step):
    made, client = draft(), signed_in(make.validator())
    press(client, address(made), "Abandonner le brouillon")
    reader = signed_in(STAFF[STEPS.get(step, "valère")]())
    asked = [reader.post] + ([reader.get] if step in ("change", "publier") else [])
    for ask in asked:
        page = ask(address(made, step))
        assert page.status_code == 409 and "a été abandonné ou publié entre-temps" in said(page)


# Its steps


STEPS = {"copier": "valère", "abandonner": "valère", "publier": "adèle", "confirmer": "adèle"}
STAFF = {"valère": make.validator, "adèle": make.administrator}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_opens_to_one_role(step):
    made = draft()
    for who, give in STAFF.items():
        answer = signed_in(give()).post(address(made, step))
        assert (answer.status_code == 403) is (who != STEPS[step])
    for give in (make.coordinator, make.requester, make.alice):
        assert signed_in(give()).post(address(made, step)).status_code == 302
    assert nobody().post(address(made, step))["Location"].startswith("/connexion/")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_a_tariff_that_is_not_is_404(step):
    client = signed_in(STAFF[STEPS[step]]())
    assert [client.post(f"{TARIFFS}{pk}/{step}/").status_code for pk in (0, 10**30)] == [404, 404]


@pytest.mark.parametrize("step", ["copier", "abandonner", "confirmer"])
def test_a_step_is_never_taken_by_a_link(step):
    assert signed_in(STAFF[STEPS[step]]()).get(address(draft(), step)).status_code == 405


def test_a_tariff_is_copied_edited_and_published_by_two_people():
    validator, admin = signed_in(make.validator()), signed_in(make.administrator())
    press(validator, address(current()), "Copier en brouillon", effective_from=str(pages.ahead().date()))
    made = PayPolicy.objects.get(state="draft")
    form_with_rates(validator.get(address(made))).send(validator, address(made), hourly_rate="52,50")
    answer = press(admin, address(made, "publier"), "Publier", is_doubt_accepted="on")
    made.refresh_from_db()
    assert (answer.status_code, made.state, made.hourly_rate) == (302, "published", Decimal("52.5"))
    assert "La politique est publiée." in said(admin.get(address(made)))


@pytest.mark.parametrize("day", ["", "demain", "1999-12-31", "9999-12-31", "\x00"])
def test_a_copy_without_a_date_that_can_be_is_refused_beside_it(day):
    page = signed_in(make.validator()).post(address(current(), "copier"), {"effective_from": day})
    assert page.status_code == 422 and list(errors(page)) == ["copie_effective_from"]


def test_a_copy_to_a_date_that_paid_says_so():
    policy = used()
    page = signed_in(make.validator()).post(address(policy, "copier"), {"effective_from": "2024-11-04"})
    assert "choisissez une autre date" in errors(page)["copie_effective_from"]


def test_a_past_date_is_asked_to_be_ticked():
    made, client = draft("2025-01-01", hourly_rate=50), signed_in(make.administrator())
    page = press(client, address(made, "publier"), "Publier")
    assert (page.status_code, errors(page)) == (
        422,
        {"is_past_accepted": "Erreur : Cochez pour confirmer la date passée."},
    )
    assert press(client, address(made, "publier"), "Publier", is_past_accepted="on").status_code == 302


def test_an_amount_that_moves_much_is_asked_to_be_ticked():
    made, client = draft(str(pages.ahead().date()), hourly_rate=4100), signed_in(make.administrator())
    assert "+9 900 % : vérifiez" in said(signed_in(make.validator()).get(address(made)))
    page = press(client, address(made, "publier"), "Publier")
    assert (page.status_code, list(errors(page))) == (422, ["is_doubt_accepted"])
    assert press(client, address(made, "publier"), "Publier", is_doubt_accepted="on").status_code == 302


def test_the_page_of_a_publication_says_what_it_does():
    used()
    make.pending(make.charlie(), starts_at=START + 72 * HOUR)
    make.reserved(make.bob(), starts_at=START + 24 * HOUR)
    made = draft("2025-01-01", hourly_rate=50)
    text = said(signed_in(make.administrator()).get(address(made, "publier")))
    assert "Préparée par Valère Nom-de-Valère. Elle paie les services à partir du 1er janvier 2025" in text
    assert "Durée de présence 41,00 $ l’heure 50,00 $ l’heure" in text
    assert "1 demande de ces dates est déjà achevée : ses lignes de paie ne changent pas." in text
    assert (
        "1 demande de ces dates, attribuée à un interprète et pas encore validée, sera payée selon cette politique."
        in text
    )
    assert "1 offre en attente dira un autre montant." in text


def test_a_publication_that_replaces_or_changes_nothing_says_so():
    made = draft(make.policy("2025-02-01", rates_confirmed=True).effective_from)
    text = said(signed_in(make.administrator()).get(address(made, "publier")))
    assert "Elle remplace celle publiée pour la même date, qui n’a encore payé personne." in text
    assert "Rien : les deux paient les mêmes montants." in text
    assert "qu’une politique dont les tarifs sont confirmés; ceux-ci seront à confirmer." in text


def test_a_publication_that_cannot_be_has_no_button():
    policy = used()
    page = signed_in(make.administrator()).get(address(draft(policy.effective_from), "publier"))
    assert "a déjà payé quelqu’un" in said(page) and not any("Publier" in form.buttons for form in forms(page))


def test_what_changed_since_the_page_is_asked_again():
    made, client = draft(), signed_in(make.administrator())
    form = form_with(client.get(address(made, "publier")), "Publier")
    PayPolicy.objects.filter(pk=made.pk).update(hourly_rate=60)
    page = form.send(client, address(made, "publier"))
    assert page.status_code == 409 and "60,00 $ l’heure +46 % : vérifiez" in said(page)
    ticked = {"is_past_accepted": "on", "is_doubt_accepted": "on"}
    again = form_with(page, "Publier").send(client, address(made, "publier"), **ticked)
    assert again.status_code == 302


@pytest.mark.parametrize(("who", "step"), [(make.administrator, "publier"), (make.validator, "abandonner")])
def test_what_is_published_is_neither_published_again_nor_abandoned(who, step):
    page = signed_in(who()).post(address(current(), step))
    assert page.status_code == 409 and "abandonné ou publié entre-temps" in said(page)


def test_a_draft_is_abandoned():
    made, client = draft(), signed_in(make.validator())
    assert press(client, address(made), "Abandonner le brouillon").status_code == 302
    assert not PayPolicy.objects.filter(pk=made.pk).exists()


def test_the_rates_of_a_tariff_that_paid_are_confirmed_once():
    policy, client = used(), signed_in(make.administrator())
    assert "ces montants sont provisoires" in said(client.get(address(policy)))
    assert press(client, address(policy), "Confirmer les tarifs").status_code == 302
    assert "ces montants sont provisoires" not in said(client.get(address(policy)))
    assert client.post(address(policy, "confirmer")).status_code == 409


def test_the_history_of_a_tariff_says_who_did_what():
    made = draft("2026-05-01")
    press(signed_in(make.administrator()), address(made, "publier"), "Publier", is_past_accepted="on")
    assert "Publiée." in said(signed_in(make.validator()).get(address(made, "history")))


# The ledger


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (make.validator, 200),
        (make.administrator, 403),
        (make.coordinator, 302),
        (make.requester, 302),
        (make.alice, 302),
    ],
)
def test_the_ledger_is_the_validators(who, status):
    assert signed_in(who()).get(LINES).status_code == status


def test_the_ledger_tells_the_newest_line_first():
    used()
    text = said(signed_in(make.validator()).get(LINES))
    assert text.index("Kilométrage 24,80 $ 20 km aller déclarés") < text.index("Durée de présence 82,00 $ 90 min")


def test_the_ledger_is_filtered_by_kinds_in_french():
    used()
    page = signed_in(make.validator()).get(LINES, {"kind__exact": "mileage"})
    assert "Annulation à moins de 2 jours ouvrables (48 h)" in said(page)
    assert page.context["cl"].result_count == 1


@pytest.mark.parametrize(
    ("typed", "found"), [("nom-de-alice", 2), ("autre", 0), ("999999", 0), ("9" * 30, 0), ("0x1", 0)]
)
def test_the_ledger_is_searched_by_name_or_number(typed, found):
    used()
    page = signed_in(make.validator()).get(LINES, {"q": typed})
    assert page.context["cl"].result_count == found


def test_the_number_of_a_request_finds_its_lines():
    used()
    number = PayLine.objects.first().service_request_id
    page = signed_in(make.validator()).get(LINES, {"q": str(number)})
    assert page.context["cl"].result_count == 2


def test_a_line_is_read_whole():
    used()
    line = PayLine.objects.first()
    text = said(signed_in(make.validator()).get(f"{LINES}{line.pk}/change/"))
    assert "Durée de présence" in text and "Politique du 4 novembre 2024" in text
    assert "Faits retenus" in text and "Distance déclarée, aller : 20 km" in text and "Présence : 1 h 30" in text


def test_what_the_engine_says_is_told_as_it_is_whatever_the_name_of_the_patient():
    used()
    ServiceRequest.objects.update(patient_name="Min Long")
    assert "90 min" in said(signed_in(make.validator()).get(LINES))


@pytest.mark.parametrize("address", ["add/", "{}/change/", "{}/delete/"])
def test_a_line_is_neither_added_changed_nor_deleted(address):
    used()
    line = PayLine.objects.first()
    answer = signed_in(make.validator()).post(LINES + address.format(line.pk), {"amount": "0", "post": "yes"})
    assert answer.status_code == 403


def test_the_ledger_asks_the_database_as_much_for_many_lines(django_assert_max_num_queries):
    used()
    client = signed_in(make.validator())
    with django_assert_max_num_queries(7):
        client.get(LINES)
