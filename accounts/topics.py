"""The French name of each topic: the subject of its e-mail, said once (templates/email/<topic>.txt)."""

from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.text import capfirst

from accounts.delivery import Notification

_TEXTS = Path(settings.BASE_DIR) / "templates" / "email"
_OPENING = "{% autoescape off %}"
_NUMBER = "{{ number }}"


def subject_of(notification: Notification) -> str:
    """What a message is about: « Demande 12 : elle est annulée »; the topic's code when no text says it any more."""
    subject = _subjects().get(notification.topic, notification.topic)
    return subject.replace(_NUMBER, str(notification.context.get("number", "")))


def label_of(topic: str) -> str:
    """The same of any request: « Elle est annulée »."""
    subject = _subjects().get(topic, topic)
    return capfirst(subject.partition(f"{_NUMBER}\u00a0: ")[2] or subject)


def labels() -> dict[str, str]:
    """{topic: label}, in the order of labels."""
    return dict(sorted(((topic, label_of(topic)) for topic in _subjects()), key=lambda named: named[1]))


@cache
def _subjects() -> dict[str, str]:
    return {
        text.stem: text.read_text(encoding="utf-8").splitlines()[0].removeprefix(_OPENING)
        for text in _TEXTS.glob("[a-z]*.txt")
    }
