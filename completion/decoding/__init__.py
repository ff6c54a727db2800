"""Reading people's files apart from the web process: what both sides agree on.

`__main__` is the helper process, `images` and `documents` what its children do; nothing here knows Django, so that the
process which opens hostile files is given neither our keys nor our database. It runs as the same user all the same: a
child that a file took over could look for them where that user may (/proc, the disk). `completion.decoder` talks to it.
"""

from enum import StrEnum

MAX_BYTES = 10 * 1024 * 1024
MAX_PAGES = 50
# One child a file: this many seconds, and this much memory beyond what it shares with the helper.
MAX_SECONDS = 5
MAX_MEGABYTES = 187
# Files read at the same time by one helper; the others wait for their turn.
MAX_CHILDREN = 2


class Refusal(StrEnum):
    """Why a file cannot be attached, as the person who chose it reads it. The helper only sends the name."""

    TOO_HEAVY = "Ce fichier dépasse 10\u00a0Mo. Choisissez une photo ou un PDF plus léger."
    UNKNOWN = "Choisissez une photo (JPEG, PNG, WebP ou HEIC) ou un PDF."
    TOO_MANY_PIXELS = "Cette image dépasse 50 mégapixels. Choisissez une photo plus petite."
    TOO_BIG_HEIC = "Cette photo HEIC dépasse 25 mégapixels. Envoyez-la en JPEG, ou reprenez-la en plus petit format."
    TOO_BIG_PNG = "Cette image PNG dépasse 16 mégapixels. Envoyez-la en JPEG, ou choisissez une image plus petite."
    TOO_BIG_WEBP = "Cette image WebP dépasse 8 mégapixels. Envoyez-la en JPEG, ou choisissez une image plus petite."
    TOO_BIG_PROGRESSIVE = "Cette image JPEG progressive dépasse 24 mégapixels. Choisissez une image plus petite."
    UNREADABLE_IMAGE = "Cette image est illisible. Reprenez la photo ou choisissez un autre fichier."
    ENCRYPTED = "Ce PDF est protégé par un mot de passe. Joignez une version sans protection."
    PAGES = f"Un PDF doit avoir de 1 à {MAX_PAGES} pages."
    ACTIVE = "Ce PDF contient du code ou un fichier joint. Joignez une version simple, ou une photo."
    COMPLEX = "Ce PDF est trop complexe. Joignez une version simple, ou une photo."
    UNREADABLE_PDF = "Ce PDF est illisible. Choisissez un autre fichier."
    EXHAUSTING = "Ce fichier est trop lourd à lire. Choisissez une photo plus petite, ou un PDF plus simple."
    NOT_WRITTEN = "Le fichier n’a pas pu être enregistré. Réessayez dans quelques minutes."
    BUSY = "Le fichier n’a pas pu être lu en ce moment. Réessayez dans quelques secondes."


class Rejected(ValueError):
    """The file cannot be attached; the message is a French sentence for the person who chose it."""


def content_type_of(content: bytes) -> str:
    """What the first bytes say a file is; an empty string for what we do not take."""
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        return "image/heic"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), "")


_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"%PDF-": "application/pdf"}
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
