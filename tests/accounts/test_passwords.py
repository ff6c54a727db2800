"""What a password may be (reliability, F13)."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User

ZOE = User(username="ztremblay01", first_name="Zoé-Éléonore", last_name="Tremblay-Gagnon")


def codes(password: str, user=ZOE) -> set[str]:
    """Why it is refused; nothing when it is accepted."""
    try:
        validate_password(password, user)
    except ValidationError as refusal:
        return {error.code for error in refusal.error_list}
    return set()


REFUSED = {
    "elevensigns": "password_too_short",
    "": "password_too_short",
    "1234567890123": "password_too_common",
    "qwertyuiop123": "password_too_common",
    "Interprete2025!": "password_of_context",
    "Interprète-2025!": "password_of_context",
    "INTERPRÈTES du Québec": "password_of_context",
    "I n t e r p r e t e 2025": "password_of_context",
    "CIUSSS-Montréal-2026": "password_of_context",
    "c.i.u.s.s.s. 12345": "password_of_context",
    "MotDePasse2026!": "password_of_context",
    "azertyuiop2026": "password_of_context",
    "ztremblay01ztremblay01": "password_of_context",
    "monnomesttremblay": "password_of_context",
    "Gagnon toujours!": "password_of_context",
    "eleonore-2026-!": "password_of_context",
    "ÉLÉONORE!!2026!!": "password_of_context",
    "Montreal2026": "password_of_one_word",
    "Québec-123456": "password_of_one_word",
    "soleil123456": "password_of_one_word",
    "2026Novembre!": "password_of_one_word",
    "123456789012": "password_is_a_run",
    "abcdefghijkl": "password_is_a_run",
    "zyxwvutsrqponm": "password_is_a_run",
    "aaaaaaaaaaaaaaaa": "password_repeats",
    "abababababababab": "password_repeats",
}
ACCEPTED = [
    "trois petits mots",
    "correcthorsebatterystaple",
    "jus de canneberge",
    "12 chats noirs",
    "Montréal sous la neige",
    "soleil et pluie 2026",
    "zoé aime le thé",  # a name of three letters is in every password
    "éàüç ñøß ĳ œuvre",
    "пароль длинный",
    "我喜歡喝茶和看書散步聽音樂",
    "🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵🐔🐧",
    "x1" * 10 + "une phrase de soixante-quatre signes et même un peu plus",
    "une phrase de plus de deux cents signes, que personne ne retient mais qu’un gestionnaire retient pour soi " * 2,
]


@pytest.mark.parametrize("password", REFUSED)
def test_f13_a_password_that_anybody_would_try_is_refused(password):
    assert REFUSED[password] in codes(password)


@pytest.mark.parametrize("password", ACCEPTED)
def test_f13_a_long_one_is_accepted_whatever_its_letters(password):
    assert codes(password) == set()


@pytest.mark.parametrize("password", ["minuscules seules", "MAJUSCULES SEULES", "90718253640718"])
def test_f13_no_rule_asks_for_a_mixture(password):
    assert codes(password) == set()


def test_the_refusal_says_what_to_do_and_never_the_password():
    with pytest.raises(ValidationError) as refusal:
        validate_password("Interprete2025!", ZOE)
    assert "choisissez-en un autre" in refusal.value.messages[0]
    assert "2025" not in str(refusal.value)


def test_somebody_unknown_is_checked_too():
    assert codes("Interprete2025!", None) == {"password_of_context"}
