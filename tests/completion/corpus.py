"""Files that somebody hostile, or an old telephone, would attach (reliability E): name -> (bytes, what becomes of it).

What becomes of it is a stored type, a Refusal, or EITHER when both are right. MARK is planted wherever a file may say
more than it shows: nothing of an image that is stored may hold it.
"""

import struct
import zlib
from functools import cache
from io import BytesIO

import pillow_heif
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from completion.decoding import Refusal
from tests.completion.make import image, pdf

MARK = b"Vandemoortele"
WORD = MARK.decode()
EITHER = "either"
JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
SCRIPT = b"<script>alert('Vandemoortele')</script>"

pillow_heif.register_heif_opener()


# Images


def exif(orientation=6) -> Image.Exif:
    """What a telephone writes: where, when, by whom, and which way up."""
    notes = Image.Exif()
    notes[0x0112], notes[0x010E], notes[0x013B] = orientation, f"Chez {WORD}", WORD
    notes.get_ifd(0x8825).update({1: "N", 2: (45.0, 30.0, 41.0), 3: "W", 4: (73.0, 33.0, 12.0), 29: WORD})
    return notes


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data


def jpeg_with(*segments: bytes, tail=b"") -> bytes:
    whole = image(size=(64, 48))
    return whole[:2] + b"".join(segments) + whole[2:] + tail


def jpeg_claiming(width: int, height: int, **options) -> bytes:
    whole = bytearray(image(size=(64, 48), **options))
    at = max(whole.find(b"\xff\xc0"), whole.find(b"\xff\xc2"))
    whole[at + 5 : at + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(whole)


def chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def png_claiming(width: int, height: int, *extra: bytes, pixels=b"\0" * 1000) -> bytes:
    """A PNG that claims to be huge and weighs nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_with(*extra: bytes, tail=b"") -> bytes:
    return png_claiming(8, 8, *extra, pixels=b"\0" * 72) + tail


def webp_claiming(width: int, height: int) -> bytes:
    whole = bytearray(image("WEBP", mode="RGBA", lossless=True, exif=exif()))
    assert whole[12:16] == b"VP8X"
    whole[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(whole)


def heic_claiming(width: int, height: int) -> bytes:
    whole = bytearray(image("HEIF"))
    at = whole.find(b"ispe")
    whole[at + 8 : at + 16] = struct.pack(">II", width, height)
    return bytes(whole)


def moving(kind: str, count=12, **options) -> bytes:
    frames = [Image.new("RGB", (30, 30), (20 * n % 256, 0, 0)) for n in range(count)]
    written = BytesIO()
    frames[0].save(written, kind, save_all=True, append_images=frames[1:], **options)
    return written.getvalue()


def half_clear(kind: str) -> bytes:
    written, drawn = BytesIO(), Image.new("RGBA", (40, 30), (200, 0, 0, 255))
    drawn.paste((0, 0, 0, 0), (0, 0, 20, 30))
    drawn.save(written, kind, lossless=True) if kind == "WEBP" else drawn.save(written, kind)
    return written.getvalue()


def png_notes() -> bytes:
    notes = PngInfo()
    notes.add_text("Author", WORD)
    notes.add_text("Comment", WORD * 50, zip=True)
    notes.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{WORD}</x:xmpmeta>", zip=False)
    return image("PNG", pnginfo=notes, exif=exif(1), icc_profile=b"profile" * 30 + MARK)


XMP = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + MARK + b"</x:xmpmeta>")
IPTC = segment(
    0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0" + (len(MARK) + 5).to_bytes(4, "big") + b"\x1c\x02\x50\0\x0d" + MARK
)
JUNK = segment(0xE5, MARK * 4000)


def images() -> dict:
    whole = image(size=(200, 160))
    heic = image("HEIF", size=(64, 48), exif=exif().tobytes(), xmp=b"<x>" + MARK + b"</x>")
    return {
        "jpeg": (image(), JPEG),
        "jpeg, grey": (image(mode="L"), JPEG),
        "jpeg, cmyk": (image(mode="CMYK"), JPEG),
        "jpeg, progressive": (image(progressive=True), JPEG),
        "jpeg of everything": (jpeg_with(XMP, IPTC, segment(0xFE, MARK), JUNK, tail=SCRIPT), JPEG),
        "jpeg with gps and a turn": (image(exif=exif(), comment=MARK, icc_profile=b"icc" * 60 + MARK), JPEG),
        "jpeg with a broken exif": (jpeg_with(segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff" + MARK)), JPEG),
        "jpeg with a huge exif": (jpeg_with(*[segment(0xE1, b"Exif\0\0" + MARK * 5000)] * 60), JPEG),
        "jpeg with a huge icc": (jpeg_with(*[segment(0xE2, b"ICC_PROFILE\0\1\1" + MARK * 5000)] * 60), JPEG),
        "jpeg with a thumbnail": (jpeg_with(segment(0xE1, b"Exif\0\0" + whole[:4000] + MARK)), JPEG),
        "jpeg, several pictures": (moving("MPO", 3), JPEG),
        "jpeg and html": (jpeg_with(segment(0xFE, b"-->" + SCRIPT), tail=b"<html>" + SCRIPT), JPEG),
        "jpeg and zip": (image() + b"PK\x03\x04" + MARK + b"PK\x05\x06" + bytes(18), JPEG),
        "jpeg and javascript": (jpeg_with(segment(0xFE, b"*/=1;alert(1)/*" + MARK), tail=b"*/"), JPEG),
        "jpeg and php": (jpeg_with(segment(0xFE, b"<?php system($_GET[0]); ?>" + MARK)), JPEG),
        "jpeg and pdf": (image() + pdf() + MARK, JPEG),
        "jpeg of 4 billion pixels": (jpeg_claiming(65_000, 65_000), Refusal.TOO_MANY_PIXELS),
        "jpeg of 51 megapixels": (jpeg_claiming(10_200, 5_000), Refusal.TOO_MANY_PIXELS),
        "jpeg, progressive bomb": (jpeg_claiming(7_000, 7_000, progressive=True), Refusal.TOO_BIG_PROGRESSIVE),
        "jpeg of no pixels": (jpeg_claiming(0, 0), Refusal.UNREADABLE_IMAGE),
        "jpeg header": (b"\xff\xd8\xff\xe0", Refusal.UNREADABLE_IMAGE),
        **{f"jpeg cut at {n}": (whole[:n], EITHER) for n in (3, 20, 200, 600, len(whole) - 2)},
        "png": (image("PNG"), PNG),
        "png, clear": (half_clear("PNG"), PNG),
        "png, palette": (image("PNG", mode="P"), PNG),
        "png, clear palette": (image("PNG", mode="P", transparency=0), PNG),
        "png, one bit": (image("PNG", mode="1"), PNG),
        "png, sixteen bits": (image("PNG", mode="I;16"), PNG),
        "png, grey and clear": (image("PNG", mode="LA"), PNG),
        "png with notes": (png_notes(), PNG),
        "png and html": (png_with(tail=SCRIPT), PNG),
        "png moving": (moving("PNG"), PNG),
        "png of 200 frames": (moving("PNG", 200), PNG),
        "png of 169 megapixels": (png_claiming(13_000, 13_000), Refusal.TOO_MANY_PIXELS),
        "png of 3 billion pixels": (png_claiming(60_000, 60_000), Refusal.TOO_MANY_PIXELS),
        "png over its limit": (png_claiming(10_000, 1_601), Refusal.TOO_BIG_PNG),
        "png without pixels": (png_claiming(10_000, 1_600), Refusal.UNREADABLE_IMAGE),
        "png whose pixels are a bomb": (png_claiming(8, 8, pixels=bytes(20_000_000)), EITHER),
        "png with a text bomb": (png_with(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(60_000_000)))), EITHER),
        "png with a profile bomb": (png_with(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(60_000_000)))), EITHER),
        "png of ten thousand chunks": (png_with(*[chunk(b"teXt", MARK)] * 10_000), EITHER),
        "png header": (b"\x89PNG\r\n\x1a\n", Refusal.UNREADABLE_IMAGE),
        **{f"png cut at {n}": (image("PNG", size=(200, 160))[:n], EITHER) for n in (30, 60, 100)},
        "webp": (image("WEBP"), JPEG),
        "webp, clear": (half_clear("WEBP"), PNG),
        "webp with gps": (image("WEBP", exif=exif(), xmp=b"<x>" + MARK + b"</x>", icc_profile=MARK * 30), JPEG),
        "webp moving": (moving("WEBP"), JPEG),
        "webp of 200 frames": (moving("WEBP", 200), JPEG),
        "webp bomb": (webp_claiming(16_000, 16_000), Refusal.TOO_MANY_PIXELS),
        "webp over its limit": (webp_claiming(4_000, 2_001), Refusal.TOO_BIG_WEBP),
        "webp header": (b"RIFF\x04\0\0\0WEBP", Refusal.UNREADABLE_IMAGE),
        "webp cut": (image("WEBP", size=(200, 160))[:60], EITHER),
        "heic": (image("HEIF", size=(64, 48)), JPEG),
        "heic with gps and a turn": (heic, JPEG),
        "heic bomb": (heic_claiming(30_000, 30_000), EITHER),
        "heic over its limit": (heic_claiming(6_000, 5_000), EITHER),
        "heic of one size and another": (heic_claiming(3_000, 3_000), EITHER),
        "heic cut": (heic[: len(heic) // 2], EITHER),
        "heic header": (b"\0\0\0\x18ftypheic" + bytes(12), Refusal.UNREADABLE_IMAGE),
        "heic that recurses": (b"\0\0\0\x18ftypheic" + bytes(12) + b"\0\0\0\x08meta" * 20_000, EITHER),
    }


# What is neither


def strangers() -> dict:
    found = {
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'>" + SCRIPT + b"</svg>",
        "svg with a prologue": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
        "html": b"<!doctype html>" + SCRIPT,
        "xml": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
        "exe": b"MZ" + bytes(200),
        "elf": b"\x7fELF" + bytes(200),
        "zip": b"PK\x03\x04" + bytes(200),
        "eicar": rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
        "gif": image("GIF"),
        "gif of 500 frames": moving("GIF", 500),
        "tiff": image("TIFF"),
        "tiff of 100 pages": moving("TIFF", 100),
        "bmp": image("BMP"),
        "postscript": b"%!PS-Adobe-3.0\n",
        "riff": b"RIFF\x04\0\0\0WAVE",
        "video": b"\0\0\0\x18ftypmp42" + bytes(200),
        "avif": b"\0\0\0\x18ftypavif" + bytes(200),
        "pdf after a byte": b" " + pdf(),
        "nothing": b"",
        "one byte": b"\xff",
    }
    return {name: (content, Refusal.UNKNOWN) for name, content in found.items()}


# Documents


def stream(about: bytes, data: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (about, len(data), data)


def document(*objects: bytes, catalog=b"", page=b"", pages=b"/Kids [3 0 R] /Count 1") -> bytes:
    """A PDF by hand: catalogue, pages and a page, then objects numbered from 4."""
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
        b"<< /Type /Pages %s >>" % pages,
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] %s >>" % page,
        *objects,
    ]
    written, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(bodies, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, count = len(written), len(bodies) + 1
    written += b"xref\n0 %d\n0000000000 65535 f \n" % count + b"".join(b"%010d 00000 n \n" % at for at in places)
    return bytes(written + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, start))


def hidden(secret: bytes) -> bytes:
    """The same, its catalogue and `secret` (object 4) in a compressed object stream."""
    first = b"<< /Type /Catalog /Pages 2 0 R /Names 4 0 R >>"
    packed = b"1 0 4 %d " % (len(first) + 1) + first + b" " + secret
    about = b"/Type /ObjStm /N 2 /First %d /Filter /FlateDecode" % len(b"1 0 4 %d " % (len(first) + 1))
    bodies = {
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
        5: stream(about, zlib.compress(packed)),
    }
    written, places = bytearray(b"%PDF-1.7\n"), {}
    for number, body in bodies.items():
        places[number] = len(written)
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(written)
    rows = [(0, 0, 0), (2, 5, 0), (1, places[2], 0), (1, places[3], 0), (2, 5, 1), (1, places[5], 0), (1, start, 0)]
    table = b"".join(struct.pack(">BHB", *row) for row in rows)
    written += b"6 0 obj\n" + stream(b"/Type /XRef /Size 7 /W [1 2 1] /Root 1 0 R", table) + b"\nendobj\n"
    return bytes(written + b"startxref\n%d\n%%%%EOF\n" % start)


BOMB = stream(b"/Filter /FlateDecode", zlib.compress(bytes(60_000_000)))
NESTED = b"[" * 30_000 + b"]" * 30_000
ACTION = b"/OpenAction << /S /%s /JS (app.alert\\(1\\)) /F (x.exe) >>"


def documents() -> dict:
    active = {
        "a script": pdf(script="app.alert(1)"),
        "a script in an object stream": hidden(b"<< /JavaScript << /Names [(a) << /S /JavaScript /JS (1) >>] >> >>"),
        "a file in an object stream": hidden(b"<< /EmbeddedFiles << /Names [] >> >>"),
        "a script written otherwise": document(catalog=ACTION % b"J#61vaScript"),
        "a launch": document(catalog=ACTION % b"Launch"),
        "a launch written otherwise": document(catalog=ACTION % b"La#75nch"),
        "a launch on a page": document(page=b"/AA << /O << /S /Launch /F (x.exe) >> >>"),
        "a script nobody names": document(b"<< /S /JavaScript /JS (1) >>"),
        "a file": pdf(embed=b"MZ"),
        "a form in xml": document(catalog=b"/AcroForm << /XFA 4 0 R >>"),
        "a form that sends": document(page=b"/Annots [<< /A << /S /SubmitForm /F (http://x) >> >>]"),
        "a video": document(page=b"/Annots [<< /Subtype /RichMedia >>]"),
        "another document": document(catalog=ACTION % b"GoToE"),
        "a zip behind": pdf() + b"PK\x03\x04" + bytes(40) + b"PK\x05\x06" + bytes(18),
        "a page behind": pdf() + b"<html>" + SCRIPT,
    }
    refused = {
        "encrypted": (pdf(encrypt="secret"), Refusal.ENCRYPTED),
        "of 51 pages": (pdf(pages=51), Refusal.PAGES),
        "of no page": (document(pages=b"/Kids [] /Count 0"), Refusal.PAGES),
        "of a billion pages": (document(pages=b"/Kids [3 0 R] /Count 1000000000"), EITHER),
        "of pages that hold themselves": (document(pages=b"/Kids [2 0 R] /Count 1"), EITHER),
        "of objects that turn": (document(b"5 0 R", b"4 0 R", catalog=b"/Outlines 4 0 R"), EITHER),
        "of nested arrays": (document(NESTED), EITHER),
        "of a compressed bomb": (document(*[BOMB] * 3), EITHER),
        "of 21 000 objects": (document(*[b"null"] * 21_000), Refusal.COMPLEX),
        "of a broken table": (pdf().replace(b"startxref\n", b"startxref\n9"), EITHER),
        "of no table": (pdf().replace(b"xref", b"xxxx"), EITHER),
        "header": (b"%PDF-1.7\n", Refusal.UNREADABLE_PDF),
        "cut": (pdf()[:60], Refusal.UNREADABLE_PDF),
    }
    return {
        "pdf": (pdf(), PDF),
        "pdf of fifty pages": (pdf(pages=50), PDF),
        "pdf by hand": (document(), PDF),
        "pdf with an object stream": (hidden(b"<< >>"), PDF),
        "pdf padded": (pdf() + b"\r\n" + bytes(300), PDF),
        **{f"pdf with {name}": (content, Refusal.ACTIVE) for name, content in active.items()},
        **{f"pdf {name}": given for name, given in refused.items()},
    }


@cache
def corpus() -> dict[str, tuple[bytes, str]]:
    return images() | strangers() | documents()
