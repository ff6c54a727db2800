"""« Annuler la demande »: what is seen before confirming (the clock, the pay, to whom), and what is frozen after."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.french import hour, long_date, short_date
from requests_app import services
from requests_app.business_days import notice_limit
from requests_app.models import Holiday, ServiceRequest
from requests_app.workflow import Status
from tests import make
from tests.pages import ago, ahead, errors, form_with, press, said, signed_in, written

pytestmark = pytest.mark.django_db
CANCEL = "Annuler la demande"


def coming(build=make.reserved, *, starts_at=None, **fields):
    return build(at=ago(3), starts_at=starts_at or ahead(), **fields)


def soon(build=make.reserved):
    return coming(build, starts_at=timezone.now() + timedelta(hours=20))


def address_of(made):
    return f"/demandes/{made.pk}/annuler/"


def seen(user, made):
    return said(signed_in(user).get(address_of(made)))


def cancel(user, made, **typed):
    return press(signed_in(user), address_of(made), CANCEL, **typed)


def fresh(made):
    return ServiceRequest.objects.get(pk=made.pk)


# Before confirming


def test_the_limit_of_a_free_cancellation_is_said():
    made, closed_days = coming(), Holiday.objects.closed_between(ahead(0), ahead())
    limit = notice_limit(ahead(), notice=timedelta(hours=48), closed_days=closed_days, tz=make.TORONTO)
    spaced = f"{long_date(limit)} à {hour(limit)}".replace("\u00a0", " ")
    assert f"Jusqu’au {spaced} inclus : 0 $; après : 82,00 $." in seen(make.requester(), made)


def test_a_cancellation_in_time_pays_nothing():
    page = seen(make.requester(), coming())
    assert "Annulation sans frais" in page and "Total 0,00 $" in page


def test_a_late_cancellation_pays_the_interpreter_the_booked_time():
    assert "Alice Nom-de-Alice reçoit 82,00 $." in seen(make.coordinator(), soon())


def test_a_requester_reads_the_amount_without_a_name():
    page = seen(make.requester(), soon())
    paid = "L’interprète reçoit 82,00 $. Ce montant est facturé à votre établissement."
    assert (paid in page, "Alice" in page) == (True, False)


@pytest.mark.parametrize(("starts_at", "is_told"), [(ago(1), True), (ahead(), False)])
def test_after_the_start_a_requester_is_told_to_write_if_the_service_took_place(starts_at, is_told):
    made = coming(starts_at=starts_at)
    sentence = "L’heure de début est passée. Si le service a eu lieu, n’annulez pas : écrivez à la BI ."
    assert [sentence in seen(who, made) for who in (make.requester(), make.coordinator())] == [is_told, False]
    assert ("interprète est absent" in seen(make.coordinator(), made)) is is_told


def test_a_late_cancellation_without_interpreter_costs_nothing():
    page = seen(make.requester(), soon(make.unallocated))
    assert "Annulation sans frais" in page and "Aucun interprète n’a la demande : l’annulation ne coûte rien." in page


def test_the_business_hours_left_are_told_day_by_day():
    page = seen(make.requester(), coming())
    assert "en jours ouvrables avant le début :" in page and f": {ahead().hour} h" in page


def test_seeing_the_page_cancels_nothing():
    made = soon()
    before = written(made)
    seen(make.coordinator(), made)
    assert written(made) == before


# Confirming


def test_a_requester_cancels():
    made = coming()
    answer = cancel(make.requester(), made)
    now = fresh(made)
    assert (answer.url, now.status, now.cancellation_reason) == (
        f"/demandes/{made.pk}/",
        Status.CANCELLED,
        "by_requester",
    )


def test_a_requester_has_no_reason_nor_date_to_choose():
    page = signed_in(make.requester()).get(address_of(coming()))
    fields = set(form_with(page, CANCEL).fields)
    assert fields == {"csrfmiddlewaretoken", "version", "seen"}


@pytest.mark.parametrize("reason", ["no_interpreter", "interpreter_absent", "bi_error", "", "x"])
def test_a_requester_gives_no_reason_of_the_bi(reason):
    made = coming()
    cancel(make.requester(), made, reason=reason)
    assert fresh(made).cancellation_reason == "by_requester"


@pytest.mark.parametrize("reason", ["by_requester", "bi_error"])
def test_a_coordinator_chooses_the_reason(reason):
    made = coming()
    cancel(make.coordinator(), made, reason=reason)
    assert (fresh(made).status, fresh(made).cancellation_reason) == (Status.CANCELLED, reason)


def test_nobody_is_absent_before_the_start():
    made = coming()
    before = written(made)
    page = cancel(make.coordinator(), made, reason="interpreter_absent", note="Absent")
    said = "Erreur : Ce motif n’est pas possible maintenant : choisissez-en un autre."
    assert (page.status_code, errors(page), written(made)) == (422, {"reason": said}, before)


def test_who_says_that_an_interpreter_was_absent_notes_how_it_is_known():
    page = cancel(make.coordinator(), coming(starts_at=ago(1)), reason="interpreter_absent")
    said = "Erreur : Dites comment l’absence a été constatée."
    assert (page.status_code, errors(page)) == (422, {"note": said})


def test_a_coordinator_must_choose_a_reason():
    page = cancel(make.coordinator(), coming())
    assert (page.status_code, list(errors(page))) == (422, ["reason"])


def typed(instant):
    return {"reason": "by_requester", "received_date": f"{instant:%Y-%m-%d}", "received_time": f"{instant:%Hh%M}"}


def test_a_notice_received_earlier_decides_with_a_note():
    made, earlier = soon(), ago(2)
    cancel(make.coordinator(), made, **typed(earlier), note="Message laissé au répondeur")
    now = fresh(made)
    assert (now.notice_received_at, now.transitions.last().note) == (earlier, "Message laissé au répondeur")
    page = said(signed_in(make.coordinator()).get(f"/demandes/{made.pk}/"))
    assert f"Avis reçu le : {short_date(earlier)}, {hour(earlier)}".replace("\u00a0", " ") in page


def test_an_earlier_notice_is_recalculated_before_confirming():
    made = make.reserved(at=ago(14), starts_at=timezone.now() + timedelta(hours=20))
    before = written(made)
    page = cancel(make.coordinator(), made, **typed(ago(13)), note="Message laissé", preview="1")
    assert ("Total 82,00 $" in seen(make.coordinator(), made), "Total 0,00 $" in said(page)) == (True, True)
    assert (page.status_code, "Il restait" in said(page), written(made)) == (200, True, before)


def test_an_earlier_notice_without_a_note_is_refused_beside_the_note():
    page = cancel(make.coordinator(), coming(), **typed(ago(2)))
    assert (page.status_code, errors(page)) == (422, {"note": "Erreur : Dites comment l’avis a été reçu."})


@pytest.mark.parametrize("received_at", [ago(4), ahead(1)], ids=["before the creation", "in the future"])
def test_a_notice_is_received_between_the_creation_and_now(received_at):
    page = cancel(make.coordinator(), coming(), **typed(received_at), note="x")
    sentence = "Erreur : L’heure de l’avis se situe entre la création de la demande et maintenant."
    assert (page.status_code, errors(page)) == (422, {"received_time": sentence})


@pytest.mark.parametrize("left_out", ["received_date", "received_time"])
def test_half_a_notice_is_an_error(left_out):
    page = cancel(make.coordinator(), coming(), **typed(ago(2)) | {left_out: ""}, note="x")
    assert (page.status_code, list(errors(page))) == (422, ["received_time"])


def test_a_requester_does_not_choose_when_the_notice_was_received():
    made = soon()
    cancel(make.requester(), made, **typed(ago(2)), note="x")
    assert timezone.now() - fresh(made).notice_received_at < timedelta(minutes=1)


def test_the_page_left_open_is_refused_when_the_request_changed():
    made, client = coming(), signed_in(make.requester())
    form = form_with(client.get(address_of(made)), CANCEL)
    services.modify(made, by=make.coordinator(), at=ago(1), ends_at=made.ends_at + make.HOUR)
    before = written(made)
    page = form.send(client, address_of(made))
    assert (page.status_code, written(made)) == (409, before)
    assert "Ce qui a changé depuis que vous avez ouvert la demande Modifiée" in said(page)


def test_extra_fields_of_a_post_are_ignored():
    made = soon()
    cancel(
        make.requester(), made, is_late_cancellation="", notice_business_time="99", interpreter="", status="completed"
    )
    now = fresh(made)
    assert (now.status, now.is_late_cancellation, now.interpreter) == (Status.CANCELLED, True, make.alice())


# After


def test_the_interpreter_reads_what_a_late_cancellation_pays():
    made = soon()
    cancel(make.requester(), made)
    page = said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))
    assert "Annulé" in page and "Total 82,00 $" in page


def test_communications_made_before_a_cancellation_in_time_can_be_claimed():
    made = coming(are_communications_requested=True)
    make.communication(made, made_at=ago(2))
    cancel(make.requester(), made)
    page = said(signed_in(make.alice()).get(f"/demandes/{made.pk}/"))
    assert "Réclamer 1 communication" in page


def test_only_the_reasons_that_can_be_true_are_offered():
    def offered(made):
        page = signed_in(make.coordinator()).get(address_of(made))
        return {value for value, _ in page.context["form"].fields["reason"].choices}

    begun, held, nobodys = offered(coming(starts_at=ago(1))), offered(coming()), offered(coming(make.unallocated))
    assert (begun - held, nobodys - held) == ({"interpreter_absent"}, {"no_interpreter"})


def test_an_earlier_notice_is_counted_before_confirming_and_writes_nothing():
    made = coming()
    before = written(made)
    notice = timezone.localtime(made.created_at)
    given = {"reason": "by_requester", "received_date": f"{notice:%Y-%m-%d}", "received_time": "23h59"}
    page = cancel(make.coordinator(), made, preview="1", note="Appel reçu", **given)
    assert written(made) == before
    assert page.context["at"] == page.context["form"].cleaned_data["received_at"]
