"""The addresses of the files: who reads them, how they are served, and the page that adds one."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from completion import services
from completion.models import Attachment
from requests_app import services as requests
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, START
from tests.pages import sign_in

pytestmark = pytest.mark.django_db
END = START + make.LENGTH


@pytest.fixture(autouse=True)
def media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def browse(client):
    return lambda user: sign_in(client, user)


def pieces(service_request) -> str:
    return reverse("completion:attachments", args=[service_request.pk])


def address(piece, service_request=None) -> str:
    return reverse("completion:attachment", args=[(service_request or piece.service_request).pk, piece.pk])


def body(response) -> bytes:
    return b"".join(response.streaming_content)


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (make.alice, 200),
        (make.coordinator, 200),
        (make.validator, 200),
        (make.requester, 403),
        (make.bob, 404),
        (make.administrator, 404),
    ],
)
def test_a_file_is_read_by_those_concerned(browse, who, status):
    piece = filed.attach(filed.provided())
    response = browse(who()).get(address(piece))
    response.close()
    assert response.status_code == status


def test_a_file_is_not_served_to_nobody(client):
    piece = filed.attach(filed.provided())
    assert client.get(address(piece)).status_code == 302


def test_a_file_under_another_request_does_not_exist(browse):
    piece = filed.attach(filed.provided())
    other = make.reserved(starts_at=START + timedelta(days=1))
    assert browse(make.alice()).get(address(piece, other)).status_code == 404
    assert browse(make.alice()).post(address(piece, other)).status_code == 404
    assert Attachment.objects.filter(pk=piece.pk).exists()


def test_whoever_held_the_request_before_reads_nothing_any_more(browse):
    made = make.reserved()
    piece = filed.attach(made, at=START)
    requests.reassign(made, make.bob(), by=make.coordinator(), at=START + HOUR, note="Échange.")
    assert browse(make.alice()).get(address(piece)).status_code == 404
    assert browse(make.bob()).get(address(piece)).status_code == 404


def test_a_photo_is_shown_in_the_page_and_cannot_run(browse):
    response = browse(make.alice()).get(address(filed.attach(filed.provided())))
    assert response["Content-Type"] == "image/jpeg"
    assert response["Content-Disposition"].startswith("inline")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "private, no-store"
    assert body(response).startswith(b"\xff\xd8\xff")


def test_a_pdf_is_only_downloaded_under_a_name_that_says_nothing(browse):
    made = filed.provided()
    piece = filed.attach(made, content=filed.pdf(), name="Ulric Vandemoortele.pdf")
    response = browse(make.alice()).get(address(piece))
    expected = f'attachment; filename="demande-{made.pk}-piece-{piece.pk}.pdf"'
    assert response["Content-Disposition"] == expected
    assert body(response).startswith(b"%PDF-")


def test_a_file_lost_from_the_disk_is_not_found(browse):
    piece = filed.attach(filed.provided())
    piece.file.storage.delete(piece.file.name)
    assert browse(make.alice()).get(address(piece)).status_code == 404


def test_a_file_is_added_after_the_report(browse):
    made = filed.provided()
    sent = {"file": filed.upload(), "kind": "parking_receipt"}
    response = browse(make.alice()).post(pieces(made), sent, follow=True)
    assert "Pièce jointe ajoutée." in response.content.decode()
    assert made.attachments.get().kind == "parking_receipt"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"kind": "other"}, "file"),
        ({"kind": "other", "file": b"<svg/>"}, "file"),
        ({"kind": "autre", "file": b""}, "file"),
        ({"kind": "autre", "file": b"MZ"}, "kind"),
    ],
)
def test_a_bad_file_is_refused_beside_its_field(browse, sent, field):
    made = filed.provided()
    if "file" in sent:
        sent = sent | {"file": filed.upload(sent["file"])}
    response = browse(make.alice()).post(pieces(made), sent)
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not Attachment.objects.exists()


def test_a_file_is_taken_back_until_the_end(browse):
    made = filed.provided()
    piece = filed.attach(made)
    assert browse(make.alice()).post(address(piece)).status_code == 302
    assert not Attachment.objects.exists()


def test_after_the_end_nothing_is_added_nor_taken_back(browse):
    made = filed.provided()
    piece = filed.attach(made)
    services.validate(made, by=make.validator(), at=END + 2 * HOUR)
    reader = browse(make.alice())
    assert reader.post(pieces(made), {"file": filed.upload(filed.pdf()), "kind": "other"}).status_code == 409
    assert reader.post(address(piece)).status_code == 409
    assert list(made.attachments.all()) == [piece]
    assert "Ajouter la pièce jointe" not in reader.get(pieces(made)).content.decode()


def test_before_the_start_nothing_is_added(browse):
    made = make.reserved(at=timezone.now() - HOUR, starts_at=timezone.now() + HOUR)
    sent = {"file": filed.upload(), "kind": "parking_receipt"}
    assert browse(make.alice()).post(pieces(made), sent).status_code == 409


@pytest.mark.parametrize(
    ("who", "status"), [(make.validator, 403), (make.requester, 403), (make.bob, 404), (make.administrator, 404)]
)
def test_nobody_else_adds_or_takes_back(browse, who, status):
    made = filed.provided()
    piece = filed.attach(made)
    reader = browse(who())
    sent = {"file": filed.upload(filed.pdf()), "kind": "other"}
    assert [reader.post(pieces(made), sent).status_code, reader.post(address(piece)).status_code] == [status, status]
    assert list(made.attachments.all()) == [piece]


def test_the_eleventh_file_is_refused(browse):
    made = filed.provided()
    for side in range(10):
        filed.attach(made, content=filed.image(size=(20, 20 + side)))
    sent = {"file": filed.upload(filed.pdf()), "kind": "other"}
    assert browse(make.alice()).post(pieces(made), sent).status_code == 409


def test_a_body_far_too_big_is_refused_before_it_is_read(browse):
    made = filed.provided()
    sent = {"file": filed.upload(bytes(41 * 1024 * 1024)), "kind": "other"}
    assert browse(make.alice()).post(pieces(made), sent).status_code == 413
