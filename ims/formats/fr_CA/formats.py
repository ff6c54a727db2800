"""Django's fr_CA writes 14:10 as « 14 02 10 »: its `h` is not escaped, so it is read as the 12-hour clock."""

TIME_FORMAT = "G\xa0\\h\xa0i"
DATETIME_FORMAT = "j F Y, G\xa0\\h\xa0i"
SHORT_DATETIME_FORMAT = "Y-m-d G\xa0\\h\xa0i"
