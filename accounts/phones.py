"""Telephone numbers: kept as E.164 (« +15145550123 »), written « 514 555-0123 ».

Only Canada's: a code sent to a premium line abroad pays whoever asked for it (reliability, C10).
"""

import phonenumbers

from accounts.french import NBSP

COUNTRY = "CA"


def parse(typed: str) -> str:
    """A number as people type it → E.164; +1 unless they write another country. Raises ValueError with a sentence."""
    try:
        number = phonenumbers.parse(typed, COUNTRY)
    except phonenumbers.NumberParseException as error:
        raise ValueError("Écrivez les 10 chiffres du numéro, par exemple 514 555-0123.") from error
    if number.country_code != 1:
        raise ValueError("Seuls les numéros du Canada sont acceptés.")
    # Seven digits are « possible » where one dials without the area code.
    if number.extension or len(str(number.national_number)) != 10:
        raise ValueError("Écrivez les 10 chiffres du numéro, par exemple 514 555-0123.")
    if phonenumbers.region_code_for_number(number) != COUNTRY:
        raise ValueError("Seuls les numéros du Canada sont acceptés.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def written(number: str) -> str:
    """« +15145550123 » → « 514 555-0123 », on one line."""
    return f"{number[2:5]}{NBSP}{number[5:8]}-{number[8:]}" if number.startswith("+1") else number


def masked(number: str) -> str:
    """« ••• •••-0123 »: enough to know which telephone to look at."""
    return f"•••{NBSP}•••-{number[-4:]}" if number else ""
