"""What may be attached (reliability E): hostile files are refused in French, photos keep nothing but their pixels."""

import io
import random
import zlib

import pytest
from PIL import Image

from completion import uploads
from completion.uploads import MAX_BYTES, Rejected
from tests.completion.make import image, pdf, upload
from tests.counts import rounds


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims to be huge and weighs nothing."""

    def chunk(name, data):
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def photo_with_everything() -> bytes:
    """A photo with GPS, a comment and a rotation, followed by a script."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    exif[0x010E] = "Chez Ulric Vandemoortele"
    exif.get_ifd(0x8825).update({1: "N", 2: (45.0, 30.0, 41.0)})
    return image(size=(60, 40), exif=exif, comment=b"secret-comment") + b"<script>alert(1)</script>PK\x03\x04"


ACCEPTED = {
    "jpeg": (image(), "image/jpeg"),
    "grey jpeg": (image(mode="L"), "image/jpeg"),
    "cmyk jpeg": (image(mode="CMYK"), "image/jpeg"),
    "png": (image("PNG"), "image/png"),
    "transparent png": (image("PNG", mode="RGBA"), "image/png"),
    "palette png": (image("PNG", mode="P"), "image/png"),
    "sixteen bit png": (image("PNG", mode="I;16"), "image/png"),
    "pdf": (pdf(), "application/pdf"),
    "pdf of fifty pages": (pdf(pages=50), "application/pdf"),
}
REFUSED = {
    "svg named jpg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "html": b"<!doctype html><script>alert(1)</script>",
    "empty": b"",
    "exe": b"MZ" + bytes(200),
    "gif": image("GIF"),
    "webp": image("WEBP"),
    "tiff": image("TIFF"),
    "truncated jpeg": image(size=(400, 400))[:600],
    "truncated png": image("PNG", size=(400, 400))[:80],
    "jpeg header alone": b"\xff\xd8\xff\xe0",
    "png header alone": b"\x89PNG\r\n\x1a\n",
    "bomb of 169 megapixels": png_of(13_000, 13_000),
    "bomb of a billion pixels": png_of(60_000, 60_000),
    "encrypted pdf": pdf(encrypt="secret"),
    "pdf with a script": pdf(script="app.alert(1)"),
    "pdf with a file inside": pdf(embed=b"MZ"),
    "pdf of fifty-one pages": pdf(pages=51),
    "truncated pdf": pdf()[:60],
    "pdf header alone": b"%PDF-1.7\n",
    "launching pdf": pdf().replace(b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /La#75nch /F (x.exe) >>"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_photo_or_a_plain_pdf_is_accepted(name):
    content, content_type = ACCEPTED[name]
    assert uploads.accept(upload(content, "facture.bin")).content_type == content_type


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_what_it_says_is_refused_in_french(name):
    with pytest.raises(Rejected) as refused:
        uploads.accept(upload(REFUSED[name], "facture.jpg"))
    assert str(refused.value).startswith(("Choisissez", "Cette image", "Ce PDF", "Un PDF"))


@pytest.mark.parametrize(("extra", "is_refused"), [(-1, False), (0, False), (1, True)])
def test_ten_megabytes_is_the_limit(extra, is_refused):
    content = image()
    padded = content + bytes(MAX_BYTES - len(content) + extra)
    try:
        uploads.accept(upload(padded))
    except Rejected as error:
        assert is_refused
        assert "10\u00a0Mo" in str(error)
    else:
        assert not is_refused


@pytest.mark.parametrize(("height", "is_read"), [(1_599, True), (1_600, True), (1_601, False)])
def test_sixteen_megapixels_is_the_limit_of_a_png_and_is_judged_before_decoding(height, is_read):
    with pytest.raises(Rejected) as refused:  # these have no pixels at all: read, they are illegible
        uploads.accept(upload(png_of(10_000, height)))
    assert ("illisible" in str(refused.value)) is is_read


def test_nothing_of_a_photo_is_kept_but_its_pixels():
    stored = uploads.accept(upload(photo_with_everything())).content
    drawn = Image.open(io.BytesIO(stored))
    assert not drawn.getexif()
    assert not {"exif", "comment", "icc_profile", "xmp"} & set(drawn.info)
    for trace in (b"Exif", b"GPS", b"Ulric", b"secret-comment", b"<script>", b"PK\x03\x04"):
        assert trace not in stored


def test_a_photo_is_turned_upright():
    stored = uploads.accept(upload(photo_with_everything())).content
    assert Image.open(io.BytesIO(stored)).size == (40, 60)


def test_the_texts_and_profile_of_a_png_are_gone():
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Author", "Ulric")
    notes.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>", zip=True)
    stored = uploads.accept(upload(image("PNG", pnginfo=notes, icc_profile=b"profile" * 40))).content
    assert not {b"tEXt", b"iTXt", b"zTXt", b"iCCP", b"eXIf"} & {stored[i : i + 4] for i in range(len(stored))}


def test_an_animation_keeps_its_first_image():
    moving = io.BytesIO()
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "blue")]
    frames[0].save(moving, "PNG", save_all=True, append_images=frames[1:])
    stored = uploads.accept(upload(moving.getvalue())).content
    assert getattr(Image.open(io.BytesIO(stored)), "n_frames", 1) == 1


def test_a_big_photo_is_made_smaller():
    stored = uploads.accept(upload(image(size=(6000, 4000)))).content
    assert Image.open(io.BytesIO(stored)).size == (3000, 2000)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("facture.jpg", "facture.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Users\\Ulric\\facture.php.jpg", "facture.php.jpg"),
        ("facture\u202egpj.exe", "facturegpj.jpg"),
        ("fac\x00tu\r\nre.svg", "facture.jpg"),
        ("   .jpg", "piece.jpg"),
        ("é" * 300 + ".jpeg", "é" * 116 + ".jpg"),
        ("", "piece.jpg"),
    ],
)
def test_the_name_shown_is_harmless_and_its_extension_true(given, shown):
    assert uploads.display_name(given, "jpg") == shown


def test_the_stored_name_is_random_and_the_hash_is_of_what_is_stored():
    first, second = uploads.accept(upload()), uploads.accept(upload())
    assert first.stored_name != second.stored_name
    assert first.sha256 == second.sha256
    assert "facture" not in first.stored_name


@pytest.mark.parametrize(
    "whole", [image(size=(64, 48)), image("PNG", mode="RGBA"), pdf(pages=2)], ids=["jpeg", "png", "pdf"]
)
def test_a_damaged_file_is_accepted_or_refused_and_never_breaks(whole):
    draw = random.Random(20250306)
    for _ in range(rounds("fuzz") // 5):
        damaged = bytearray(whole)
        for _ in range(draw.randint(1, 12)):
            damaged[draw.randrange(8, len(damaged))] = draw.randrange(256)
        content = bytes(damaged[: draw.choice([len(damaged), draw.randrange(9, len(damaged))])])
        try:
            stored = uploads.accept(upload(content)).content
        except Rejected:
            continue
        assert stored.startswith((b"\xff\xd8\xff", b"\x89PNG", b"%PDF-"))
