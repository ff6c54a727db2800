"""The messages the worker wrote with Django's file backend: one file a connection, several messages a file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from itertools import dropwhile
from pathlib import Path

from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

PER_PAGE = 50
# A recipient who got nothing for long must not make one page read years of messages.
MOST_READ = 1500
# The backend closes each message with this line: what follows the last one is still being written.
_CLOSING = re.compile(rb"^-{79}\n", re.MULTILINE)
_HOSTS = "|".join(map(re.escape, settings.ALLOWED_HOSTS))
# The full stop that ends a sentence is no part of an address.
_OUR_SITE = re.compile(rf"https?://(?:{_HOSTS})(?::\d+)?(?P<path>/(?:[^\s<>\"'\\]*[^\s<>\"'\\.,;:!?)»])?)")


@dataclass(frozen=True)
class Letter:
    """A message as read; `key` says where it stands: its file and its place in it."""

    key: str
    recipient: str
    subject: str
    sent_at: datetime
    body: SafeString


def read(*, recipient: str = "", before: str = "") -> tuple[list[Letter], str]:
    """The newest letters older than the one of key `before`, to `recipient` (part of an address), and the next key.

    The next key is empty when there is nothing older.
    """
    letters, last = [], ""
    for number, (key, raw) in enumerate(_older(before)):
        if number == MOST_READ or len(letters) == PER_PAGE:
            return letters, last
        letter, last = _parsed(key, raw), key
        if letter and recipient.strip().lower() in letter.recipient.lower():
            letters.append(letter)
    return letters, ""


def _older(before: str) -> Iterator[tuple[str, bytes]]:
    """Each written message with its key, newest first; from the top again when `before` is no message of ours."""
    name = before.rpartition(":")[0]
    files = _files()
    if any(file.name == name for file in files):
        files = list(dropwhile(lambda file: file.name != name, files))
    else:
        name = ""
    for file in files:
        for place, raw in reversed(list(enumerate(_messages(file)))):
            key = f"{file.name}:{place:06}"
            if file.name != name or key < before:
                yield key, raw


def _files() -> list[Path]:
    """Newest first, by the instant of their last writing."""
    found = []
    for file in Path(settings.EMAIL_FILE_PATH).glob("*.log"):
        try:
            found.append((file.stat().st_mtime_ns, file))
        except FileNotFoundError:
            continue  # swept by a --fresh meanwhile
    return [file for _, file in sorted(found, reverse=True)]


def _messages(file: Path) -> list[bytes]:
    try:
        return _CLOSING.split(file.read_bytes())[:-1]
    except FileNotFoundError:
        return []


def _parsed(key: str, raw: bytes) -> Letter | None:
    try:
        message = message_from_bytes(raw.lstrip(b"\n"), policy=policy.default)
        sent_at = message["date"].datetime
        return Letter(
            key=key,
            recipient=str(message["to"] or ""),
            subject=str(message["subject"] or "Sans objet"),
            sent_at=sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC),
            body=_linked(message.get_body(("plain",)).get_content().strip()),
        )
    except Exception:  # on a damaged message, the e-mail package raises a little of everything
        return None


def _linked(text: str) -> SafeString:
    """The text, escaped, with the addresses of our own site as links, whatever port they were written on."""
    pieces, at = [], 0
    for found in _OUR_SITE.finditer(text):
        path = "/" + found["path"].lstrip("/")
        pieces += [text[at : found.start()], format_html('<a href="{}">{}</a>', path, found[0])]
        at = found.end()
    return format_html_join("", "{}", ([piece] for piece in [*pieces, text[at:]]))
