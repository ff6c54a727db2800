"""The communications of a report: rows, lines typed in the comments, what was logged meanwhile (ruling 6)."""

from datetime import timedelta

import pytest

from completion import services
from completion.models import Outcome
from completion.services import Unfit
from requests_app import exchanges
from requests_app.models import Channel
from requests_app.workflow import NotAllowed
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, MICROSECOND, NOW, START

pytestmark = pytest.mark.django_db
END = START + make.LENGTH
FAQ = """Communications :
1- 2025-03-03 14h10 Confirmation du rendez-vous
2- 2025-03-05 20.12 Rappel du rendez-vous à l'utilisateur
Le stationnement était complet."""


def made_on(service_request):
    return [(f"{make.TORONTO.fromutc(row.at.replace(tzinfo=make.TORONTO)):%Y-%m-%d %H:%M}", row.purpose)
            for row in service_request.communications.all()]  # fmt: skip


def test_lines_typed_as_the_faq_does_become_rows_and_the_rest_stays_a_comment():
    made = make.reserved()
    filed.report(made, comments=FAQ)
    assert made_on(made) == [("2025-03-03 14:10", "confirmation"), ("2025-03-05 20:12", "reminder")]
    assert made.completion.comments == "Le stationnement était complet."


def test_lines_typed_are_no_telephone_calls():
    made = make.reserved()
    filed.report(made, comments=FAQ)
    assert not made.communications.filter(channel=Channel.PHONE).exists()


def test_a_line_that_repeats_a_row_adds_nothing():
    made = make.reserved()
    rows = [filed.row(make.local("2025-03-03 14:10"))]
    filed.report(made, comments=FAQ, communications=rows)
    assert made.communications.count() == 2


@pytest.mark.parametrize(
    "comments",
    [
        "2025-03-09 10h00 Confirmation du rendez-vous",  # after the report
        "2025-03-09 02h30 Confirmation du rendez-vous",  # the missing hour
        "2025-03-03 10h00 " + "x" * 201,
        "9999-12-31 23h59 Confirmation du rendez-vous",
        "0001-01-01 00h00 Confirmation du rendez-vous",
    ],
)
def test_an_impossible_line_is_refused_beside_the_comments(comments):
    made = make.reserved()
    with pytest.raises(Unfit) as refused:
        filed.report(made, comments=comments)
    assert refused.value.field == "comments"
    assert made.communications.count() == 0


@pytest.mark.parametrize(("after", "is_fit"), [(-MICROSECOND, True), (timedelta(), True), (MICROSECOND, False)])
def test_a_communication_is_not_in_the_future(after, is_fit):
    made, at = make.reserved(), END + HOUR
    try:
        filed.report(made, at=at, communications=[filed.row(at + after)])
    except Unfit:
        assert not is_fit
    assert made.communications.exists() is is_fit


def test_another_purpose_is_explained():
    with pytest.raises(Unfit, match="Précisez l’objectif"):
        filed.report(make.reserved(), communications=[filed.row(NOW, purpose="other")])


def test_rows_replace_those_shown_and_keep_what_did_not_change():
    made = make.reserved()
    kept = make.communication(made, made_at=NOW)
    make.communication(made, made_at=NOW + HOUR)
    filed.report(made, communications=[filed.row(NOW), filed.row(NOW + 2 * HOUR)])
    assert [row.at for row in made.communications.all()] == [NOW, NOW + 2 * HOUR]
    assert made.communications.first().pk == kept.pk


def test_rows_left_out_are_left_untouched_when_none_is_sent():
    made = make.reserved()
    make.communication(made, made_at=NOW)
    filed.report(made)
    assert made.communications.count() == 1


def test_a_communication_logged_while_the_form_was_open_is_not_lost():
    made = make.reserved()
    shown = make.communication(made, made_at=NOW)
    make.communication(made, made_at=NOW + HOUR)
    filed.report(made, communications=[], seen={shown.pk})
    assert [row.at for row in made.communications.all()] == [NOW + HOUR]


def test_the_same_row_twice_is_two_communications():
    made = make.reserved()
    filed.report(made, communications=[filed.row(NOW), filed.row(NOW)])
    assert made.communications.count() == 2


def test_each_revision_keeps_its_communications():
    made = make.reserved()
    filed.report(made, communications=[filed.row(NOW)])
    filed.report(made, at=END + 2 * HOUR, communications=[])
    counts = [len(revision.data["communications"]) for revision in made.completion.revisions.all()]
    assert counts == [1, 0]


@pytest.mark.parametrize(("logged", "lines", "is_fit"), [(50, 0, True), (50, 1, False), (49, 1, True), (0, 51, False)])
def test_a_request_has_as_many_communications_as_its_report_takes(logged, lines, is_fit):
    made = make.reserved()
    rows = [filed.row(NOW - minute * timedelta(minutes=1)) for minute in range(logged)]
    typed = "\n".join(f"2025-03-02 10h{minute:02} Rappel du rendez-vous à l'utilisateur" for minute in range(lines))
    try:
        filed.report(made, communications=rows, comments=typed)
    except Unfit as refused:
        assert (is_fit, refused.field, str(refused)) == (False, "communications", exchanges.TOO_MANY)
    assert made.communications.count() == (50 if is_fit else 0)


def test_no_more_are_logged_than_the_report_takes():
    made = make.reserved()
    one = make.communication(made, made_at=NOW)
    one.pk = None
    type(one).objects.bulk_create([one] * (exchanges.MAX_COMMUNICATIONS - 1))
    with pytest.raises(NotAllowed, match="50 communications au plus"):
        make.communication(made, made_at=NOW - HOUR)


def test_a_refused_report_keeps_the_rows_as_they_were():
    made = make.reserved()
    make.communication(made, made_at=NOW)
    with pytest.raises(Unfit):
        services.file(made, by=make.alice(), at=END + HOUR, outcome=Outcome.RENDERED, communications=[])
    assert made.communications.count() == 1
