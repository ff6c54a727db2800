"""What may be attached: photos, decoded and drawn again without metadata, and PDF files without active content.

Nothing of the person's file reaches the disk as it came, except a PDF, which is never rendered and only downloaded.
"""

import hashlib
import logging
import unicodedata
import uuid
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath

from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageOps
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 50_000_000
# A PNG is decoded whole, four bytes a pixel, where a JPEG can be read at half its size.
MAX_PNG_PIXELS = 16_000_000
MAX_NAME = 120
MAX_PAGES = 50
MAX_OBJECTS = 20_000
# The longest side kept, in pixels: a receipt stays readable, and a stored photo stays small.
LONGEST_SIDE = 3000

# Read by Pillow when a header is parsed, before any pixel is allocated.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)
# It quotes what it reads: a person's file has no place in our logs.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"%PDF-": "application/pdf"}
# Names of the PDF standard that run, open, send or carry something; a viewer that repairs files may find them anywhere.
_ACTIVE = frozenset(
    f"/{name}"
    for name in (
        "JavaScript JS Launch EmbeddedFile EmbeddedFiles EF FileAttachment RichMedia XFA SubmitForm ImportData "
        "Rendition Movie Sound GoToE 3D"
    ).split()
)
_ACTIVE_BYTES = (b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"/RichMedia")


class Rejected(ValueError):
    """The file cannot be attached; the message is a French sentence for the person who chose it."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What is stored: `name` is for people, `stored_name` is random, `sha256` is of `content`."""

    content: bytes
    content_type: str
    name: str
    stored_name: str
    sha256: str


def accept(upload: UploadedFile) -> Accepted:
    """The file as it will be stored; raises Rejected. Its real nature counts, never its extension."""
    if upload.size > MAX_BYTES:
        raise Rejected("Ce fichier dépasse 10\u00a0Mo. Choisissez une photo ou un PDF plus léger.")
    upload.seek(0)
    content = upload.read()
    content_type = next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), None)
    if content_type is None:
        raise Rejected("Choisissez une photo (JPEG ou PNG) ou un PDF.")
    if content_type == "application/pdf":
        _check_pdf(content)
    else:
        content = _redraw(content, content_type)
    extension = EXTENSIONS[content_type]
    return Accepted(
        content=content,
        content_type=content_type,
        name=display_name(upload.name, extension),
        stored_name=f"{uuid.uuid4().hex}.{extension}",
        sha256=hashlib.sha256(content).hexdigest(),
    )


def display_name(name: str, extension: str) -> str:
    """A name safe to show: no folder, no control or direction character, 120 characters, and the true extension."""
    last = PurePosixPath(name.replace("\\", "/")).name
    stem = "".join(c for c in PurePosixPath(last).stem if not unicodedata.category(c).startswith("C"))
    stem = " ".join(stem.split())[: MAX_NAME - len(extension) - 1].strip(" .")
    return f"{stem or 'piece'}.{extension}"


def _redraw(content: bytes, content_type: str) -> bytes:
    """The pixels alone, upright: EXIF, GPS, colour profiles, comments and whatever follows the image are gone."""
    kind = "JPEG" if content_type == "image/jpeg" else "PNG"
    try:
        with Image.open(BytesIO(content), formats=[kind]) as image:
            if image.width * image.height > (MAX_PIXELS if kind == "JPEG" else MAX_PNG_PIXELS):
                raise Rejected("Cette image a trop de pixels. Choisissez une photo plus petite.")
            # No gap: a big JPEG is decoded at half its size or less, so memory follows what is kept.
            image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), reducing_gap=1.0)
            upright = ImageOps.exif_transpose(image)
        return _pixels(upright, kind)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Rejected("Cette image a trop de pixels. Choisissez une photo plus petite.") from error
    except Rejected:
        raise
    except Exception as error:  # decoders fed with hostile bytes raise anything
        raise Rejected("Cette image est illisible. Reprenez la photo ou choisissez un autre fichier.") from error


def _pixels(image: Image.Image, kind: str) -> bytes:
    mode = "RGBA" if kind == "PNG" and image.has_transparency_data else "L" if image.mode in ("1", "L") else "RGB"
    image = image.convert(mode)
    bare = Image.new(mode, image.size)
    bare.paste(image)
    drawn = BytesIO()
    bare.save(drawn, kind, quality=85)
    return drawn.getvalue()


def _check_pdf(content: bytes) -> None:
    try:
        reader = PdfReader(BytesIO(content))
        if reader.is_encrypted:
            raise Rejected("Ce PDF est protégé par un mot de passe. Joignez une version sans protection.")
        if not 1 <= len(reader.pages) <= MAX_PAGES:
            raise Rejected(f"Un PDF doit avoir de 1 à {MAX_PAGES} pages.")
        is_active = _has_active_content(reader, content)
    except Rejected:
        raise
    except Exception as error:  # as for images
        raise Rejected("Ce PDF est illisible. Choisissez un autre fichier.") from error
    if is_active:
        raise Rejected("Ce PDF contient du code ou un fichier joint. Joignez une version simple, ou une photo.")


def _has_active_content(reader: PdfReader, content: bytes) -> bool:
    if any(word in content for word in _ACTIVE_BYTES):
        return True
    keys = {(number, generation) for generation, table in reader.xref.items() for number in table}
    keys |= {(number, 0) for number in reader.xref_objStm}
    if len(keys) > MAX_OBJECTS:
        raise Rejected("Ce PDF est trop complexe. Joignez une version simple, ou une photo.")
    return any(_is_active(reader.get_object(IndirectObject(*key, reader))) for key in keys)


def _is_active(found) -> bool:
    """Whether an object names something active; objects it refers to are visited by themselves."""
    waiting = [found]
    while waiting:
        current = waiting.pop()
        if isinstance(current, NameObject) and current in _ACTIVE:
            return True
        if isinstance(current, DictionaryObject):
            waiting += [*current.keys(), *current.values()]
        elif isinstance(current, ArrayObject):
            waiting += current
    return False
