"""A file as it will be stored (reliability E): its names, its weight, its hash. What it holds: test_corpus.py."""

import hashlib

import pytest

from completion import uploads
from completion.uploads import MAX_BYTES, Rejected
from tests.completion.make import image, pdf, upload


@pytest.mark.parametrize(
    ("content", "content_type", "ends"),
    [
        (image(), "image/jpeg", ".jpg"),
        (image("PNG"), "image/png", ".png"),
        (image("WEBP"), "image/jpeg", ".jpg"),
        (pdf(), "application/pdf", ".pdf"),
    ],
    ids=["jpeg", "png", "webp", "pdf"],
)
def test_its_nature_counts_and_not_its_extension(content, content_type, ends):
    accepted = uploads.accept(upload(content, "facture.svg"))
    assert accepted.content_type == content_type
    assert (accepted.name, accepted.stored_name.endswith(ends)) == (f"facture{ends}", True)


def test_a_pdf_is_kept_as_it_came_and_has_no_thumbnail():
    accepted = uploads.accept(upload(pdf()))
    assert (accepted.content, accepted.thumbnail) == (pdf(), b"")


def test_a_photo_has_a_thumbnail_of_its_own_name():
    accepted = uploads.accept(upload())
    assert accepted.thumbnail.startswith(b"\xff\xd8\xff")
    assert accepted.thumbnail_name != accepted.stored_name


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
    assert first.sha256 == second.sha256 == hashlib.sha256(first.content).hexdigest()
    assert "facture" not in first.stored_name
