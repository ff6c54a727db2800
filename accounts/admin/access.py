"""What an administrator does to the access of one account: each has its page, which says what follows."""

from collections.abc import Callable
from dataclasses import dataclass

from accounts import services
from accounts.models import User


@dataclass(frozen=True, kw_only=True)
class Verb:
    """A button of the account's page: its address, its words, and the verb of accounts/services.py."""

    path: str
    label: str
    said: str
    template: str
    check: Callable
    act: Callable
    is_severe: bool = False


VERBS = {
    "resend": Verb(
        path="renvoyer-l-acces",
        label="Renvoyer l’accès",
        said="L’identifiant et un nouveau mot de passe temporaire partent par courriel à {user.email}.",
        template="admin/accounts/user/_resend.html",
        check=services.check_invitable,
        act=services.invite,
    ),
    "factor_reset": Verb(
        path="reinitialiser-le-code",
        label="Réinitialiser le code de vérification",
        said="Le code de vérification de {user} est réinitialisé. La personne en est prévenue.",
        template="admin/accounts/user/_factor_reset.html",
        check=services.check_factor_resettable,
        act=services.reset_factor,
        is_severe=True,
    ),
    "reactivate": Verb(
        path="reactiver",
        label="Réactiver le compte",
        said="Le compte de {user} est réactivé. Un nouvel accès part par courriel à {user.email}.",
        template="admin/accounts/user/_reactivate.html",
        check=services.check_reopenable,
        act=services.reactivate,
    ),
}


def has_not_chosen_password(user: User) -> bool:
    """Whether what was mailed is still the only way in."""
    return user.has_temporary_password or not user.has_usable_password()
