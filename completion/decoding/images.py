"""A photo drawn again from its pixels alone: upright, no longer than LONGEST_SIDE, and its small copy for lists."""

import warnings
from io import BytesIO

import pillow_heif
from PIL import Image
from PIL.Image import Transpose

from completion.decoding import MAX_BYTES, Refusal, Rejected

MAX_PIXELS = 50_000_000
# Decoders that hold the whole image, several times over: measured, so that a child stays under 256 MB.
_SMALLER = {
    "PNG": (16_000_000, Refusal.TOO_BIG_PNG),
    "WEBP": (8_000_000, Refusal.TOO_BIG_WEBP),
    "HEIF": (25_000_000, Refusal.TOO_BIG_HEIC),
}
_PROGRESSIVE = (24_000_000, Refusal.TOO_BIG_PROGRESSIVE)
# A bigger JPEG is decoded at half its size, so that memory follows what is kept.
_HALVED, _HALVED_PROGRESSIVE = 24_000_000, 8_000_000
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/heic": "HEIF"}
# In pixels: a receipt stays readable, and a stored photo stays small.
LONGEST_SIDE = 3000
THUMBNAIL_SIDE = 320
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}

# Read by Pillow when a header is parsed, before any pixel is allocated.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)
# Its embedded thumbnail may show something else than the photo; its other images are of no use.
pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
Image.preinit()


def redraw(content: bytes, content_type: str) -> tuple[str, bytes, bytes]:
    """Type, bytes and JPEG thumbnail of the same image without metadata; raises Rejected."""
    kind = _FORMATS[content_type]
    if kind == "WEBP" and _webp_pixels(content) > _SMALLER[kind][0]:  # to open one is to reserve its pixels
        raise Rejected(Refusal.TOO_MANY_PIXELS if _webp_pixels(content) > MAX_PIXELS else Refusal.TOO_BIG_WEBP)
    try:
        with Image.open(BytesIO(content), formats=[kind]) as image:
            _check_size(image, kind)
            pixels = _pixels(image)
        return *_written(pixels, kind), _thumbnail(pixels)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Rejected(Refusal.TOO_MANY_PIXELS) from error
    except (Rejected, MemoryError):
        raise
    except Exception as error:  # decoders fed with hostile bytes raise anything
        raise Rejected(Refusal.UNREADABLE_IMAGE) from error


def _webp_pixels(content: bytes) -> int:
    """What the header announces: three kinds of first chunk, three ways to write a width and a height."""
    chunk, sizes = content[12:16], content[20:30]
    if chunk == b"VP8X":
        return (int.from_bytes(sizes[4:7], "little") + 1) * (int.from_bytes(sizes[7:10], "little") + 1)
    if chunk == b"VP8L":
        bits = int.from_bytes(sizes[1:5], "little")
        return ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
    return (int.from_bytes(sizes[6:8], "little") & 0x3FFF) * (int.from_bytes(sizes[8:10], "little") & 0x3FFF)


def _check_size(image: Image.Image, kind: str) -> None:
    """Raise Rejected beyond what its decoder holds in memory; to open it was to be under MAX_PIXELS already."""
    pixels = image.width * image.height
    smaller = _PROGRESSIVE if image.info.get("progressive") else _SMALLER.get(kind)
    if smaller and pixels > smaller[0]:
        raise Rejected(smaller[1])


def _pixels(image: Image.Image) -> Image.Image:
    """A new image: profiles, texts, positions and whatever follows the pixels stay behind."""
    turn = _UPRIGHT.get(_orientation(image))
    if image.width * image.height > (_HALVED_PROGRESSIVE if image.info.get("progressive") else _HALVED):
        image.draft(None, (image.width // 2, image.height // 2))  # only a JPEG knows how
    if image.mode == "P":
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.mode.startswith("I"):  # sixteen bits of grey: the eight that are seen
        image = image.point(lambda value: value / 256).convert("L")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), reducing_gap=2.0)
    is_clear = image.has_transparency_data
    image = image.convert("RGBA" if is_clear else "L" if image.mode in ("1", "L", "LA") else "RGB")
    if is_clear and image.getextrema()[3] == (255, 255):
        image = image.convert("RGB")
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    return bare.transpose(turn) if turn is not None else bare


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a photo whose notes are broken is still a photo
        return 1


def _written(pixels: Image.Image, kind: str) -> tuple[str, bytes]:
    if kind == "PNG" or pixels.mode == "RGBA":
        written = _saved(pixels, "PNG", compress_level=4)
        if len(written) <= MAX_BYTES:
            return "image/png", written
    return "image/jpeg", _saved(_on_white(pixels), "JPEG", quality=85)


def _thumbnail(pixels: Image.Image) -> bytes:
    small = pixels.copy() if max(pixels.size) <= THUMBNAIL_SIDE else pixels
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=2.0)
    return _saved(_on_white(small), "JPEG", quality=75)


def _on_white(pixels: Image.Image) -> Image.Image:
    if pixels.mode != "RGBA":
        return pixels
    paper = Image.new("RGB", pixels.size, "white")
    paper.paste(pixels, mask=pixels.getchannel("A"))
    return paper


def _saved(pixels: Image.Image, kind: str, **options) -> bytes:
    written = BytesIO()
    pixels.save(written, kind, **options)
    return written.getvalue()
