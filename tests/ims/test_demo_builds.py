"""Building the demo's world: on any day, at both sizes, whole or not at all."""

from datetime import date

import pytest

from completion.flagged import flags_of
from completion.flags import FlagKind
from ims.demo import world
from requests_app.models import Facility, ServiceRequest

pytestmark = pytest.mark.django_db


class Broken(Exception):
    pass


def test_a_failure_half_way_leaves_nothing_for_the_next_start_to_trip_on():
    def fail_once_people_are_written(line):
        if "interprètes" in line:
            raise Broken

    with pytest.raises(Broken):
        world.build(large=False, progress=fail_once_people_are_written)
    assert not world.exists()
    assert not Facility.objects.exists()


@pytest.mark.long
@pytest.mark.parametrize(
    "today",
    ["2026-11-29", "2026-12-25", "2026-12-27", "2027-01-02", "2027-03-14", "2027-03-15", "2026-11-01", "2026-11-02"],
)
def test_any_day_gives_a_world_even_a_sunday_a_holiday_or_the_change_of_clocks(today):
    world.build(large=False, progress=str, today=date.fromisoformat(today))
    assert ServiceRequest.objects.count() == 140
    found = flags_of(ServiceRequest.objects.awaiting_review()).values()
    assert {flag.kind for flags in found for flag in flags} == set(FlagKind)


@pytest.mark.long
def test_the_large_world_has_600_requests():
    world.build(large=True, progress=str)
    assert ServiceRequest.objects.count() == 600
