"""Django's own fr_CA formats print an hour as « 14 02 10 »; ours must keep winning."""

from datetime import date, datetime, time

from django.utils import formats


def test_an_hour_is_written_with_its_h():
    assert formats.time_format(time(14, 10)) == "14\xa0h\xa010"


def test_a_date_with_its_hour_is_written_with_its_h():
    at = datetime(2024, 11, 12, 9, 5)

    assert formats.date_format(at, "DATETIME_FORMAT") == "12 novembre 2024, 9\xa0h\xa005"
    assert formats.date_format(at, "SHORT_DATETIME_FORMAT") == "2024-11-12 9\xa0h\xa005"


def test_what_is_not_overridden_stays_french_of_quebec():
    assert formats.date_format(date(2024, 11, 12), "SHORT_DATE_FORMAT") == "2024-11-12"
    assert formats.number_format(1041.5, decimal_pos=2, use_l10n=True, force_grouping=True) == "1\xa0041,50"
