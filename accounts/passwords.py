"""What a password may not be, besides short or common (settings.AUTH_PASSWORD_VALIDATORS)."""

import re
import unicodedata
from functools import cache
from itertools import pairwise

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

# The platform's own words, and what a French keyboard suggests: the common list is made of English ones.
OURS = ("interprete", "ciusss", "motdepasse", "azerty")
FEWEST_SIGNS = 5
# What people here add a year to, besides the words of the common list.
EXPECTED = {"montreal", "quebec", "gatineau", "sherbrooke", "longueuil", "canada", "hopital", "printemps", "automne"}
EXPECTED |= {"janvier", "fevrier", "avril", "juillet", "septembre", "octobre", "novembre", "decembre"}


class ContextValidator:
    """Refuses what anybody who knows the platform or the account would try first (reliability, F13)."""

    def validate(self, password, user=None):
        folded = _folded(password)
        if any(word in folded for word in [*OURS, *_theirs(user)]):
            raise ValidationError(
                "Ce mot de passe contient votre nom ou un mot trop attendu\u00a0: choisissez-en un autre.",
                code="password_of_context",
            )
        if len(set(password)) < FEWEST_SIGNS:
            raise ValidationError(
                "Ce mot de passe répète toujours les mêmes caractères\u00a0: choisissez-en un autre.",
                code="password_repeats",
            )
        if _is_common_with_digits(folded):
            raise ValidationError(
                "Un mot courant et des chiffres se devinent vite\u00a0: choisissez plutôt quelques mots sans lien.",
                code="password_of_one_word",
            )
        if _is_a_run(folded):
            raise ValidationError(
                "Des signes qui se suivent se devinent vite\u00a0: choisissez plutôt quelques mots sans lien.",
                code="password_is_a_run",
            )

    def get_help_text(self):
        return "Votre nom, votre identifiant et les mots de la plateforme sont refusés."


def _theirs(user) -> set[str]:
    """The words of an account, whole and part by part (« Tremblay-Gagnon »); short ones are in every password."""
    given = [user.username, user.first_name, user.last_name] if user else []
    words = [part for text in given for part in (text, *re.split(r"[\W_\d]+", text))]
    return {folded for word in words if len(folded := _folded(word)) > 3}


def _is_common_with_digits(folded: str) -> bool:
    """« Quebec2026 »: one word of everybody's, and digits around it."""
    word = folded.strip("0123456789")
    return word != folded and (word in EXPECTED or word in _common())


def _is_a_run(folded: str) -> bool:
    """« 123456789012 », « abcdefghijkl », up or down: more than two steps in three lead to the next sign."""
    steps = [before + after in ("90", "09") or abs(ord(after) - ord(before)) == 1 for before, after in pairwise(folded)]
    return 3 * sum(steps) > 2 * len(steps) > 0


@cache
def _common() -> set[str]:
    return CommonPasswordValidator().passwords


def _folded(text: str) -> str:
    """Lower case, without accents nor anything but letters and digits: « Interprète-2025 » → « interprete2025 »."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum())
