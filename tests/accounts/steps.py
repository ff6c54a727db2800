"""The steps of a sign-in as tests take them: the password, then the code that the worker draws."""

from django.utils import timezone

from accounts import drawn, services
from accounts.models import Notification, Throttle, User
from tests import make
from tests.pages import nobody

LOGIN, NEW_PASSWORD, CODE = "/connexion/", "/connexion/mot-de-passe/", "/connexion/code/"
PROTECT, APP, RECOVERY = "/connexion/protection/", "/connexion/application/", "/connexion/codes-de-recuperation/"
CHOSEN = "une phrase bien à moi"


def give_password(client, user, password=make.PASSWORD, *, at=LOGIN, **extra):
    given = {"username": user.username, "password": password, "instance": "CIUSSS"}
    return client.post(at, given, **extra)


def code_sent_to(user) -> str:
    """What the worker draws at the moment of sending the code last asked for this person."""
    asked = Notification.objects.filter(user=user, topic="code", state="due").latest("id")
    Notification.objects.filter(pk=asked.pk).update(state="sent", sent_at=timezone.now())
    return drawn.draw(asked)["code"]


def give_code(client, code: str, *, at=CODE, **more):
    return client.post(at, {"code": code, **more})


def come_in(user, client=None, **more):
    """A browser where this person gave the password, then the code."""
    client = client or nobody()
    give_password(client, user)
    give_code(client, code_sent_to(user), **more)
    return client


def temporary_password_of(user, *, by=None) -> str:
    """« Renvoyer l'accès »: what the worker draws for the invitation."""
    services.invite(user, by=by or make.administrator(), at=timezone.now())
    invitation = Notification.objects.filter(user=user, topic="invitation", state="due").latest("id")
    Notification.objects.filter(pk=invitation.pk).update(state="sent", sent_at=timezone.now())
    return drawn.draw(invitation)["password"]


def choose_password(client, password=CHOSEN, again=None):
    return client.post(NEW_PASSWORD, {"password": password, "again": again or password})


def wrong(code: str) -> str:
    """Six digits that are not these."""
    return f"{(int(code) + 1) % 10**6:06}"


def a_minute_passes() -> None:
    """The pause between two codes is over."""
    Throttle.objects.filter(scope="code: pause").delete()


def reset_by_mail(user) -> None:
    services.reset_password(user, make.PASSWORD, at=timezone.now())


def again(user) -> User:
    """As the database has them now."""
    return User.objects.get(pk=user.pk)


def is_signed_in(client) -> bool:
    return "_auth_user_id" in client.session


def with_number(user, number="+15145550123"):
    """With a cellulaire on record and no second factor."""
    user.mobile_phone = number
    user.save(update_fields=["mobile_phone"])
    return user
