"""Every file of the corpus, and damaged ones (reliability E, T7): refused in French, or stored without a word of its
own, within the memory and the time of one child."""

import random
import time
from io import BytesIO

import pytest
from django.urls import reverse
from PIL import Image

from completion.decoder import DECODER
from completion.decoding import MAX_SECONDS, Refusal, Rejected
from tests.completion import make as filed
from tests.completion.corpus import EITHER, MARK, corpus, half_clear
from tests.counts import rounds

MAX_KILOBYTES = 256 * 1024
# What Pillow itself reads of a bare file: how its points are laid out.
LAYOUT = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}


def verdict(content: bytes) -> tuple[str, list[bytes]]:
    """A stored type or a Refusal, and the bytes that would be kept; within the limits."""
    began = time.monotonic()
    about, parts = DECODER.ask(content)
    assert time.monotonic() - began < MAX_SECONDS + 1
    assert about["peak"] <= MAX_KILOBYTES
    return about.get("type") or Refusal[about["refused"]], parts


def says_nothing(stored: bytes) -> None:
    with Image.open(BytesIO(stored), formats=["JPEG", "PNG"]) as drawn:
        drawn.load()
        assert not drawn.getexif()
        assert set(drawn.info) <= LAYOUT
        assert getattr(drawn, "n_frames", 1) == 1
    assert MARK not in stored
    assert not [
        word for word in (b"Exif", b"GPS", b"ICC", b"xmp", b"<script", b"<?php", b"PK\x03\x04") if word in stored
    ]


@pytest.mark.parametrize("name", corpus())
def test_a_file_of_the_corpus_is_refused_or_says_nothing(name):
    content, expected = corpus()[name]
    found, parts = verdict(content)
    assert expected in (EITHER, found)
    for stored in parts:
        says_nothing(stored)


def test_the_corpus_is_as_long_as_we_say():
    assert len(corpus()) >= 100
    assert sum(MARK in content for content, _ in corpus().values()) > 20


@pytest.mark.parametrize("name", ["jpeg with gps and a turn", "heic with gps and a turn"])
def test_a_photo_is_turned_upright(name):
    _, (stored, thumbnail) = verdict(corpus()[name][0])
    wide, high = Image.open(BytesIO(stored)).size
    assert high > wide
    assert Image.open(BytesIO(thumbnail)).size == (wide, high)


def test_what_is_clear_stays_clear_and_its_thumbnail_is_on_white():
    for kind in ("PNG", "WEBP"):
        _, (stored, thumbnail) = verdict(half_clear(kind))
        assert Image.open(BytesIO(stored)).getpixel((2, 2))[3] == 0
        assert min(Image.open(BytesIO(thumbnail)).getpixel((2, 2))) > 240


def test_sixteen_bits_of_grey_keep_their_shades():
    _, (stored, _) = verdict(filed.image("PNG", mode="I;16", colour=0x8000))
    assert Image.open(BytesIO(stored)).getpixel((2, 2)) == 0x80


def test_a_big_photo_is_made_smaller_and_its_thumbnail_small():
    _, (stored, thumbnail) = verdict(filed.image(size=(3600, 1800)))
    assert (Image.open(BytesIO(stored)).size, Image.open(BytesIO(thumbnail)).size) == ((3000, 1500), (320, 160))


def test_a_file_that_takes_too_much_memory_is_refused_and_the_next_is_read():
    content = filed.image("PNG", size=(4000, 4000), mode="P", transparency=0)
    assert verdict(content)[0] == Refusal.EXHAUSTING
    assert verdict(filed.image())[0] == "image/jpeg"


AT_THE_LIMIT = {
    "jpeg": ("JPEG", (8660, 5773), {}),
    "jpeg, progressive": ("JPEG", (5650, 4240), {"progressive": True, "subsampling": 0}),
    "png": ("PNG", (4900, 3265), {}),
    "webp": ("WEBP", (3265, 2450), {}),
    "heic": ("HEIF", (5712, 4284), {}),
}


@pytest.mark.long
@pytest.mark.parametrize("name", AT_THE_LIMIT)
def test_the_biggest_photos_stay_within_the_memory_and_the_time_of_one_child(name):
    kind, size, options = AT_THE_LIMIT[name]
    drawn, written = Image.effect_noise((500, 400), 3).convert("RGB").resize(size), BytesIO()
    drawn.save(written, kind, quality=30, **options)
    assert verdict(written.getvalue())[0] == ("image/png" if kind == "PNG" else "image/jpeg")


# Damaged files


def damaged(whole: bytes, draw: random.Random) -> bytes:
    content = bytearray(whole)
    for _ in range(draw.randint(1, 12)):
        content[draw.randrange(8, len(content))] = draw.randrange(256)
    return bytes(content[: draw.choice([len(content), draw.randrange(9, len(content))])])


SOUND = [
    "jpeg of everything",
    "jpeg, progressive",
    "png with notes",
    "png, clear palette",
    "webp with gps",
    "webp, clear",
]
SOUND += ["heic with gps and a turn", "pdf", "pdf with an object stream", "pdf of a compressed bomb"]


def mutations(count: int):
    draw = random.Random(20250306)
    sound = [corpus()[name][0] for name in SOUND]
    return (damaged(sound[number % len(sound)], draw) for number in range(count))


def test_a_damaged_file_never_breaks_anything():
    DECODER.warm()
    helper = DECODER.process
    for content in mutations(rounds("mutation")):
        found, parts = verdict(content)
        assert parts or isinstance(found, Refusal) or found == "application/pdf"
        for stored in parts:
            says_nothing(stored)
    assert DECODER.process is helper
    assert helper.poll() is None


@pytest.mark.django_db
def test_a_damaged_file_sent_to_a_page_is_added_or_refused(client, tmp_path, settings):
    settings.MEDIA_ROOT, made = tmp_path, filed.provided()
    client.force_login(made.interpreter)
    address = reverse("completion:attachments", args=[made.pk])
    for content in mutations(max(20, rounds("mutation") // 10)):
        response = client.post(address, {"kind": "other", "file": filed.upload(content)})
        assert response.status_code in (302, 409, 422)


def test_nothing_else_than_a_refusal_reaches_the_web_process():
    with pytest.raises(Rejected, match="illisible"):
        DECODER.decode(filed.image()[:200])
