"""What a requester follows: the requests of their own institution, nobody else's; and what to do next."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse

from accounts.models import Notification
from requests_app.models import ServiceRequest
from requests_app.workflow import Status
from tests import make
from tests.pages import ago, ahead, copies, form_with, press, said, signed_in, written

pytestmark = pytest.mark.django_db


def coming(build=make.unallocated, **fields):
    return build(at=ago(3), **{"starts_at": ahead(), **fields})


def colleague():
    return make.person("Renée", "requester", institution=make.institution())


def listed(query="", user=make.requester):
    return [row.service_request.pk for row in signed_in(user()).get(f"/{query}").context["rows"]]


# Another institution


def addresses(number) -> list[tuple]:
    """(name, address) of every page of one request."""
    found = []
    for _, room in get_resolver().namespace_dict.values():
        for entry in room.url_patterns:
            converters = getattr(entry.pattern, "converters", {})
            if "number" in converters:
                values = {name: number if name == "number" else 1 for name in converters}
                found.append((f"{room.app_name}:{entry.name}", reverse(f"{room.app_name}:{entry.name}", kwargs=values)))
    return found


@pytest.mark.parametrize("status", Status.values)
def test_no_page_of_a_request_says_anything_to_a_requester_of_another_institution(status):
    made, client = coming(make.BUILDERS[status], starts_at=ago(1)), signed_in(make.other_requester())
    before, wrong = written(made), {}
    for name, address in addresses(made.pk):
        for method in ("get", "post"):
            answer = getattr(client, method)(address, {"version": made.version, "reason": "by_requester", "body": "x"})
            leaks = [value for value in make.PERSONAL.values() if value in answer.content.decode()]
            if answer.status_code not in (403, 404, 405) or leaks:
                wrong[name, method] = answer.status_code, leaks
    assert (wrong, written(made)) == ({}, before)


OWN = ["requests:modify", "requests:cancel", "requests:post_message", "requests:read_messages"]


@pytest.mark.parametrize("name", OWN)
def test_what_a_requester_may_open_of_their_own_is_not_found_elsewhere(name):
    made = coming(make.reserved)
    answers = [signed_in(user()).post(reverse(name, args=[made.pk])) for user in (make.requester, make.other_requester)]
    assert (answers[0].status_code == 404, answers[1].status_code) == (False, 404)


@pytest.mark.parametrize("query", ["", "?langue=espagnol", "?demandes=miennes", "?numero={}", "?statut=unallocated"])
def test_no_list_of_another_institution_shows_the_request(query):
    made = coming()
    page = signed_in(make.other_requester()).get(f"/{query.format(made.pk)}")
    text = page.content.decode()
    assert page.context["rows"] == []
    assert [value for value in (*make.PERSONAL.values(), "Clinique des Érables") if value in text] == []


def test_nobody_of_another_institution_is_told_of_anything():
    make.other_requester()
    for days, status in enumerate(Status.values, 5):
        coming(make.BUILDERS[status], starts_at=ahead(days))
    assert not Notification.objects.filter(user=make.other_requester()).exists()
    contexts = str(list(Notification.objects.values_list("context", flat=True)))
    assert [value for value in make.PERSONAL.values() if value in contexts] == []


# The list


def test_a_requester_keeps_what_they_asked_for_themselves():
    mine, theirs = coming(), coming(by=colleague())
    assert listed() == [mine.pk, theirs.pk]
    assert (listed("?demandes=miennes"), listed("?demandes=miennes", colleague)) == ([mine.pk], [theirs.pk])


def test_a_requester_keeps_one_language():
    coming()
    arabic = coming(language=make.language("arabe"))
    assert listed("?langue=arabe") == [arabic.pk]


def test_filters_are_kept_from_a_status_to_another():
    coming()
    page = signed_in(make.requester()).get("/?demandes=miennes&langue=espagnol").content.decode()
    assert "?statut=pending&amp;demandes=miennes&amp;langue=espagnol" in page


def test_a_filter_never_widens_what_is_seen():
    coming()
    assert listed(f"?etablissement={make.institution().pk}", make.other_requester) == []


def statements(query):
    client = signed_in(make.requester())
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"/{query}").status_code == 200
    return len(asked)


@pytest.mark.parametrize("query", ["", "?demandes=miennes", "?langue=espagnol&demandes=miennes"])
def test_a_list_asks_as_often_for_one_request_as_for_forty(query):
    made = coming()
    few = statements(query)
    copies(made, 40)
    assert few == statements(query) <= 5


@pytest.mark.parametrize(
    ("field", "rare", "index"),
    [
        ("requested_by", lambda: {"by": colleague()}, "request_list_of_requester"),
        ("language", lambda: {"language": make.language("arabe")}, "request_list_of_language"),
    ],
)
def test_a_filter_has_its_index(field, rare, index):
    given = rare()
    copies(coming(), 3000)
    copies(coming(**given), 120)
    [value] = given.values()
    rows = ServiceRequest.objects.filter(**{field: value}, status="unallocated").order_by("starts_at", "id")[:51]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE requests_app_servicerequest")
    assert index in rows.explain()


# A request's page


def page_of(made, user=make.requester):
    return said(signed_in(user()).get(f"/demandes/{made.pk}/"))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (make.unallocated, "Personne n’a encore la demande : la modifier ou l’annuler ne coûte rien."),
        (make.pending, "La demande a été offerte, et la BI attend une réponse."),
        (make.reserved, "Un ou une interprète a accepté la demande."),
        (make.reserved, "Annuler est sans frais jusqu’au"),
        (make.modified, "L’interprète doit vérifier la modification."),
    ],
)
def test_the_next_step_is_said(build, words):
    assert words in page_of(coming(build))


def test_a_requester_reads_who_comes_and_never_what_they_earn():
    text = page_of(coming(make.reserved))
    assert ("Alice Nom-de-Alice" in text, "82,00" in text) == (True, False)


def test_too_late_to_cancel_free_of_charge_is_said():
    assert "L’annulation sans frais n’est plus possible depuis le" in page_of(
        make.reserved(at=ago(9), starts_at=ahead(0, 23))
    )


def test_a_requester_creates_modifies_and_cancels():
    client, place = signed_in(make.requester()), make.facility()
    given = {"service_type": "on_site", "language": make.language().pk, "facility": place.pk, "duration": "1 h"}
    when = {"date": f"{ahead():%Y-%m-%d}", "start_time": "13h"}
    answer = press(client, "/demandes/nouvelle/", "Créer la demande", **given, **when)
    made = ServiceRequest.objects.get()
    press(client, f"{answer.url}modifier/", "Enregistrer la modification", duration="2 h")
    page = client.get(f"{answer.url}annuler/")
    form_with(page, "Annuler la demande").send(client, f"{answer.url}annuler/")
    made.refresh_from_db()
    assert (made.booked_minutes, made.status, made.institution) == (120, Status.CANCELLED, make.institution())


# After the fact, for an interpreter


def test_a_coordinator_fills_in_for_an_interpreter_from_the_requests_page():
    made, client = make.reserved(at=ago(9), starts_at=ago(4)), signed_in(make.coordinator())
    page = client.get(f"/demandes/{made.pk}/")
    assert f'href="/demandes/{made.pk}/achevement/"' in page.content.decode()
