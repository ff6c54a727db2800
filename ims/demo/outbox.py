"""What the demo's providers received, one file a message (ims/demo/arrivals.py): e-mails and text messages together."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts import phones
from ims.demo.arrivals import EMAIL, NAME, SMS

PER_PAGE = 50
# A recipient who got nothing for long must not make one page read years of messages.
MOST_READ = 1500
_HOSTS = "|".join(map(re.escape, settings.ALLOWED_HOSTS))
# The full stop that ends a sentence is no part of an address.
_OUR_SITE = re.compile(rf"https?://(?:{_HOSTS})(?::\d+)?(?P<path>/(?:[^\s<>\"'\\]*[^\s<>\"'\\.,;:!?)»])?)")


@dataclass(frozen=True)
class Letter:
    """A message as read. `recipient` is an address, or a number as people write it; a text message has no subject."""

    kind: str
    recipient: str
    subject: str
    sent_at: datetime
    body: SafeString

    @property
    def medium(self) -> str:
        return "SMS" if self.kind == SMS else "Courriel"

    def is_to(self, asked: str) -> bool:
        """Whether `asked` is a part of its address or of its number, however the digits are set apart."""
        digits = _digits(asked)
        is_number = digits and not re.search(r"[^\d\s()+.-]", asked)
        if self.kind == SMS:
            return not asked or bool(is_number) and digits in _digits(self.recipient)
        return asked.strip().lower() in self.recipient.lower()


def read(*, recipient: str = "", before: str = "") -> tuple[list[Letter], str]:
    """The newest letters older than the one named `before`, to `recipient` (a part of it), and the next name.

    The next name is empty when there is nothing older.
    """
    letters, last = [], ""
    for number, name in enumerate(_older(before)):
        if number == MOST_READ or len(letters) == PER_PAGE:
            return letters, last
        letter, last = _letter(name), name
        if letter and letter.is_to(recipient):
            letters.append(letter)
    return letters, ""


def _folder() -> Path:
    return settings.VAR / "outbox"


def _older(before: str) -> list[str]:
    """The names of what arrived, newest first; from the top again when `before` is no name of ours."""
    names = sorted((file.name for file in _folder().glob("*") if NAME.fullmatch(file.name)), reverse=True)
    return [name for name in names if name < before] if NAME.fullmatch(before) else names


def _letter(name: str) -> Letter | None:
    nanoseconds, kind = NAME.fullmatch(name).groups()
    try:
        recipient, subject, body = _READERS[kind]((_folder() / name).read_bytes())
        sent_at = datetime.fromtimestamp(int(nanoseconds) // 10**9, UTC)
    except Exception:  # swept by a --fresh, or damaged: the e-mail package raises a little of everything
        return None
    return Letter(kind=kind, recipient=recipient, subject=subject, sent_at=sent_at, body=_linked(body.strip()))


def _email(raw: bytes) -> tuple[str, str, str]:
    message = message_from_bytes(raw, policy=policy.default)
    # A long subject that was folded keeps the space of its second line.
    subject = str(message["subject"] or "").strip() or "Sans objet"
    return str(message["to"] or ""), subject, message.get_body(("plain",)).get_content()


def _sms(raw: bytes) -> tuple[str, str, str]:
    message = json.loads(raw)
    return phones.written(message["to"]), "", message["body"]


_READERS = {EMAIL: _email, SMS: _sms}


def _digits(text: str) -> str:
    """The digits of a number, or of a part of it; the 1 of the country goes without saying."""
    digits = "".join(letter for letter in text if letter in "0123456789")
    return digits[1:] if len(digits) == 11 else digits


def _linked(text: str) -> SafeString:
    """The text, escaped, with the addresses of our own site as links, whatever port they were written on."""
    pieces, at = [], 0
    for found in _OUR_SITE.finditer(text):
        path = "/" + found["path"].lstrip("/")
        pieces += [text[at : found.start()], format_html('<a href="{}">{}</a>', path, found[0])]
        at = found.end()
    return format_html_join("", "{}", ([piece] for piece in [*pieces, text[at:]]))
