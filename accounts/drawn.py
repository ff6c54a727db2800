"""Secrets are made by the worker at the moment of sending: never in a task, never in a notification's row.

A second sending is a new secret, and the former one is dead.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.delivery import Notification
from accounts.devices import CLEAR_LETTERS, CodeDevice
from accounts.models import User

TEMPORARY_LIFE = timedelta(hours=72)


def draw(notification: Notification) -> dict | None:
    """What only this sending will say besides the context; None when nobody awaits it any more."""
    maker = _MAKERS.get(notification.topic)
    return maker(notification) if maker else {}


def _is_withdrawn(notification: Notification) -> bool:
    """Another one was asked for meanwhile: what this row would draw must not kill what the new one drew."""
    return not Notification.objects.filter(pk=notification.pk).exclude(state=Notification.State.CLOSED).exists()


@transaction.atomic
def _code(notification: Notification) -> dict | None:
    pk = notification.about.removeprefix("device:")
    device = CodeDevice.objects.select_for_update().filter(pk=pk).first()
    if device is None or not device.challenge or _is_withdrawn(notification):
        return None
    return {"code": device.draw()}


@transaction.atomic
def _temporary_password(notification: Notification) -> dict | None:
    user = User.objects.select_for_update().get(pk=notification.user_id)
    has_chosen = user.has_usable_password() and not user.has_temporary_password
    if not user.is_active or has_chosen or _is_withdrawn(notification):
        return None
    drawn = "".join(secrets.choice(CLEAR_LETTERS) for _ in range(12))
    user.set_password(drawn)
    user.temporary_until = timezone.now() + TEMPORARY_LIFE
    user.save(update_fields=["password", "temporary_until"])
    return {"password": drawn, "until": user.temporary_until}


def _reset_link(notification: Notification) -> dict | None:
    user = User.objects.get(pk=notification.user_id)
    # Before the first password there is nothing to reset: the BI sends the access again.
    if not user.is_active or not user.has_usable_password() or user.has_temporary_password:
        return None
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    return {"path": reverse("accounts:reset", kwargs={"uid": uid, "token": token})}


def register(topic: str, maker: Callable[[Notification], dict | None]) -> None:
    """Have another room draw what the messages of its own topic say (called once, when the rooms are ready)."""
    _MAKERS[topic] = maker


_MAKERS = {"code": _code, "invitation": _temporary_password, "reset": _reset_link}
