"""What may be attached: photos, drawn again without metadata, and PDF files without active content.

Nothing of the person's file reaches the disk as it came, except a PDF, which is never rendered and only downloaded.
"""

import hashlib
import unicodedata
import uuid
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.core.files.uploadedfile import UploadedFile

from completion.decoder import DECODER
from completion.decoding import MAX_BYTES, Refusal, Rejected, content_type_of

__all__ = ["MAX_BYTES", "Accepted", "Refusal", "Rejected", "accept", "display_name", "plain"]

MAX_NAME = 120
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What is stored: `name` is for people, the stored names are random, `sha256` is of `content`.

    `thumbnail` is a small JPEG, empty for a PDF.
    """

    content: bytes
    thumbnail: bytes
    content_type: str
    name: str
    stored_name: str
    thumbnail_name: str
    sha256: str


def accept(upload: UploadedFile) -> Accepted:
    """The file as it will be stored; raises Rejected. Its real nature counts, never its extension."""
    if upload.size > MAX_BYTES:
        raise Rejected(Refusal.TOO_HEAVY)
    upload.seek(0)
    sent = upload.read()
    if not content_type_of(sent):
        raise Rejected(Refusal.UNKNOWN)
    decoded = DECODER.decode(sent)
    content = sent if decoded.content_type == "application/pdf" else decoded.content
    extension = EXTENSIONS[decoded.content_type]
    drawn_name = uuid.uuid4().hex
    return Accepted(
        content=content,
        thumbnail=decoded.thumbnail,
        content_type=decoded.content_type,
        name=display_name(upload.name, extension),
        stored_name=f"{drawn_name}.{extension}",
        thumbnail_name=f"{drawn_name}-v.jpg",
        sha256=hashlib.sha256(content).hexdigest(),
    )


def display_name(name: str, extension: str) -> str:
    """A name safe to show: no folder, no control or direction character, 120 characters, and the true extension."""
    last = PurePosixPath(name.replace("\\", "/")).name
    stem = plain(PurePosixPath(last).stem)[: MAX_NAME - len(extension) - 1].strip(" .")
    return f"{stem or 'piece'}.{extension}"


def plain(text: str) -> str:
    """The text without what would not be seen, or would turn the line around."""
    return " ".join("".join(c for c in text if not unicodedata.category(c).startswith("C")).split())
