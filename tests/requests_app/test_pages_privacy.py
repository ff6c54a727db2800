"""Nobody reads on a page what is not theirs (domain.md, « Privacy »): strings planted once, looked for everywhere."""

from datetime import timedelta

import pytest
from django.utils import timezone

from requests_app import offers, services
from requests_app.models import CancellationReason
from tests import make
from tests.pages import ago, ahead, said, signed_in

pytestmark = pytest.mark.django_db
GONE = "Cette demande n’est plus disponible."
PLACE = ["Clinique des Érables", "1, rue de l’Essai", "Pavillon des Ormes"]
SECRETS = [*make.PERSONAL.values(), *PLACE]


def coming(build=make.reserved, *interpreters, **fields):
    return build(*interpreters, **{"at": ago(5), "starts_at": ahead()} | fields)


def found(user, made, secrets=SECRETS, names=("",)):
    """The planted strings that somebody finds on the request's pages and on the list."""
    client = signed_in(user)
    pages = [client.get(address) for address in ("/", "/?du=2024-11-04", *(f"/demandes/{made.pk}/{n}" for n in names))]
    text = " ".join(said(page) + page.content.decode() for page in pages)
    return [secret for secret in secrets if secret in text]


def moved(made):
    """The request changes place, and back: history then holds both names."""
    by, first = make.coordinator(), made.facility
    services.modify(made, by=by, at=ago(4), note="x", facility=make.facility("Pavillon des Ormes"))
    services.modify(made, by=by, at=ago(4), note="x", facility=first, patient_name="Autre personne")
    return made


# What an interpreter finds


def test_the_planted_strings_are_found_by_who_may_read_them():
    made = coming(make.reserved)
    assert found(make.alice(), made) == found(make.requester(), made) == SECRETS[:-1]


def test_an_offer_tells_neither_people_nor_place():
    made = moved(coming(make.pending))
    assert found(make.alice(), made) == []


def test_an_offer_tells_neither_the_institution_nor_who_works_there():
    made = moved(coming(make.pending))
    assert found(make.alice(), made, ["CHUM", make.requester().last_name, make.requester().email]) == []


def test_an_offer_tells_the_area():
    made = coming(make.pending)
    page = said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))
    assert "Secteur Montréal" in page


def test_an_offer_in_the_list_tells_the_area():
    coming(make.pending)
    assert "Espagnol Interprétation en présence Montréal" in said(signed_in(make.alice()).get("/"))


def test_a_cancelled_request_tells_its_interpreter_neither_people_nor_place():
    made = moved(coming(make.reserved))
    services.cancel(made, by=make.requester(), at=ago(1), reason=CancellationReason.BY_REQUESTER)
    assert found(make.alice(), made, names=("", "achevement/", "pieces/", "ecrire/")) == []


def test_a_cancelled_request_keeps_its_number_date_and_language():
    made = coming(make.cancelled)
    page = said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))
    assert f"Demande {made.pk} Annulé" in page and "Langue Espagnol" in page and "Heure 13 h à 14 h 30" in page


@pytest.mark.parametrize(("days", "is_kept"), [(89, True), (91, False)])
def test_after_achevé_the_patient_is_kept_90_days(days, is_kept):
    made = coming(
        make.completed, at=ago(days + 9), starts_at=timezone.now() - timedelta(days=days, hours=2, minutes=30)
    )
    assert bool(found(make.alice(), made)) is is_kept


def withdrawn(made):
    services.mark_unallocated(made, by=make.alice(), at=ago(1))


def reassigned(made):
    services.reassign(made, make.bob(), by=make.coordinator(), at=ago(1), note="Entente")


def reinstated(made):
    services.cancel(made, by=make.requester(), at=ago(1), reason=CancellationReason.BY_REQUESTER)
    services.reinstate(made, by=make.coordinator(), at=ago(1), note="Erreur")


LOSSES = [withdrawn, reassigned, reinstated]


@pytest.mark.parametrize("lose", LOSSES)
def test_who_lost_a_request_finds_nothing_of_it(lose):
    made = coming(make.reserved)
    lose(made)
    assert found(make.alice(), made, names=("", "achevement/", "pieces/", "desistement/", "ecrire/")) == []


def refused(made):
    offers.refuse(made, by=make.alice(), at=ago(1))


def taken(made):
    offers.accept(made, by=make.bob(), at=ago(1))


def retracted(made):
    offers.retract(made, make.alice(), by=make.coordinator(), at=ago(1))


def expired(made):
    made.offers.filter(interpreter=make.alice()).update(answer_by=ago(1))


def assigned_to_another(made):
    services.assign(made, make.charlie(), by=make.coordinator(), at=ago(1), note="Entente")


def cancelled(made):
    services.cancel(made, by=make.requester(), at=ago(1), reason=CancellationReason.BY_REQUESTER)


@pytest.mark.parametrize("lose", [refused, taken, retracted, expired, assigned_to_another, cancelled])
def test_who_lost_an_offer_reads_only_that_it_is_gone(lose):
    made = coming(make.pending, make.alice(), make.bob())
    lose(made)
    client = signed_in(make.alice())
    page = client.get(f"/demandes/{made.pk}/")
    assert (page.status_code, GONE in said(page), found(make.alice(), made)) == (404, True, [])
    assert client.post(f"/demandes/{made.pk}/accepter/", {"version": made.version}).status_code == 409


@pytest.mark.parametrize("name", ["", "achevement/", "pieces/", "desistement/", "ecrire/"])
def test_a_stranger_reads_that_the_page_does_not_exist(name):
    page = signed_in(make.charlie()).get(f"/demandes/{coming().pk}/{name}")
    assert (page.status_code, "Page introuvable" in said(page), GONE in said(page)) == (404, True, False)


def test_a_requester_finds_nothing_of_another_institution():
    made = coming()
    assert found(make.other_requester(), made) == []
    assert signed_in(make.other_requester()).get(f"/demandes/{made.pk}/").status_code == 404


# Colleagues


def lived():
    """A request that four interpreters had to do with, and that Alice has at the end."""
    made, by = coming(make.pending, make.alice(), make.bob(), make.charlie()), make.coordinator()
    offers.retract(made, make.charlie(), by=by, at=ago(4))
    offers.refuse(made, by=make.alice(), at=ago(4), reason="Déjà prise")
    offers.accept(made, by=make.bob(), at=ago(4))
    services.modify(made, by=by, at=ago(4), note="Entente", ends_at=made.ends_at + make.HOUR)
    services.reassign(made, make.charlie(), by=by, at=ago(3), note="Bob est malade")
    services.mark_unallocated(made, by=make.charlie(), at=ago(3))
    services.assign(made, make.alice(), by=by, at=ago(2), note="Charlie a refusé")
    return made


def test_an_interpreter_never_reads_the_name_of_a_colleague():
    made = lived()
    colleagues = ["Bob", "Charlie", "Nom-de-Bob", "Nom-de-Charlie", "malade", "Corinne"]
    assert found(make.alice(), made, colleagues) == []


def test_an_interpreter_reads_their_own_part_of_the_history():
    page = said(signed_in(make.alice()).get(f"/demandes/{lived().pk}/"))
    assert "Refusée par Alice" in page and "Attribuée à Alice Nom-de-Alice" in page and ", BI du RSSS" in page


def test_a_requester_reads_who_has_the_request_but_not_who_was_asked():
    made = coming(make.pending, make.alice(), make.bob())
    offers.accept(made, by=make.bob(), at=ago(4))
    page = said(signed_in(make.requester()).get(f"/demandes/{made.pk}/"))
    assert ("Acceptée par Bob" in page, "Alice" in page, "Offerte" in page) == (True, False, False)


def test_the_notes_of_the_bi_stay_with_the_bi():
    made = lived()
    readers = (make.alice(), make.requester(), make.coordinator())
    pages = [said(signed_in(user).get(f"/demandes/{made.pk}/")) for user in readers]
    assert ["Bob est malade" in page for page in pages] == [False, False, True]


@pytest.mark.parametrize("user", [make.requester, make.coordinator, make.validator])
def test_others_read_that_a_personal_field_changed_never_its_old_value(user):
    made = moved(coming(make.reserved))
    page = said(signed_in(user()).get(f"/demandes/{made.pk}/"))
    assert ("Usager : modifié" in page, make.PERSONAL["patient_name"] in page) == (True, False)


def test_the_pay_is_not_the_requesters():
    made = coming(make.completed, at=ago(9), starts_at=ago(3))
    page = said(signed_in(make.requester()).get(f"/demandes/{made.pk}/"))
    assert [word for word in ("Paie", "Estimation", "82,00") if word in page] == []
