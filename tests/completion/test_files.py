"""The addresses of the files: who reads them, how they are served, and the page that adds one."""

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from completion import decisions
from completion.models import Attachment
from completion.views.access import MAX_BODY
from requests_app import services as requests
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, START
from tests.pages import errors, said, sign_in

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


def small(piece, service_request=None) -> str:
    return reverse("completion:thumbnail", args=[(service_request or piece.service_request).pk, piece.pk])


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
        ({"kind": "other", "file": b""}, "file"),
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
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    reader = browse(make.alice())
    assert reader.post(pieces(made), {"file": filed.upload(filed.pdf()), "kind": "other"}).status_code == 409
    assert reader.post(address(piece)).status_code == 409
    assert list(made.attachments.all()) == [piece]
    assert "data-upload" not in reader.get(pieces(made)).content.decode()


def test_before_the_start_nothing_is_added_nor_even_read(browse):
    made = make.reserved(at=timezone.now() - HOUR, starts_at=timezone.now() + HOUR)
    sent = {"file": filed.upload(b"<svg/>"), "kind": "parking_receipt"}
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


class Unread(io.BytesIO):
    """A body that nobody may read."""

    def read(self, *args):
        raise AssertionError("read")


@pytest.mark.parametrize("length", [str(MAX_BODY + 1), "9" * 5000, "-1"], ids=["big", "endless", "negative"])
def test_a_body_far_too_big_is_refused_before_it_is_read(browse, length):
    made, reader = filed.provided(), browse(make.alice())
    claimed = {"CONTENT_LENGTH": length, "wsgi.input": Unread()}
    response = reader.generic("POST", pieces(made), content_type="multipart/form-data; boundary=x", **claimed)
    assert response.status_code == 413


def test_five_hundred_files_at_once_are_refused_and_none_is_kept(browse):
    made = filed.provided()
    sent = {"file": [filed.upload(b"\xff") for _ in range(500)], "kind": "other"}
    assert browse(make.alice()).post(pieces(made), sent).status_code == 413
    assert not made.attachments.exists()


def test_eleven_files_at_once_are_too_many_and_none_is_kept(browse):
    made = filed.provided()
    sent = {"file": [filed.upload(filed.image(size=(20, 20 + n))) for n in range(11)], "kind": "other"}
    response = browse(make.alice()).post(pieces(made), sent)
    assert (response.status_code, errors(response)) == (
        422,
        {"file": "Erreur : Choisissez au plus 10 fichiers à la fois."},
    )
    assert not made.attachments.exists()


# Several at once


def test_each_of_several_files_is_judged_by_itself(browse):
    made = filed.provided()
    names = {"recu.jpg": filed.image(), "photo2.heic": b"MZ", "note.pdf": filed.pdf(), "../x\u202e/b.jpg": b"<svg/>"}
    sent = {"file": [filed.upload(content, name) for name, content in names.items()], "kind": "other"}
    response = browse(make.alice()).post(pieces(made), sent)
    assert response.status_code == 422
    assert [piece.name for piece in made.attachments.all()] == ["recu.jpg", "note.pdf"]
    assert {"recu.jpg", "note.pdf"} <= set(said(response).split())
    found = errors(response)["file"].replace("\xa0", " ")
    assert "photo2.heic : Choisissez une photo" in found
    assert "b.jpg : Choisissez une photo" in found


def test_those_for_which_there_is_room_are_kept(browse):
    made = filed.provided()
    for side in range(9):
        filed.attach(made, content=filed.image(size=(20, 20 + side)))
    sent = {"file": [filed.upload(filed.pdf()), filed.upload(filed.pdf(pages=2))], "kind": "other"}
    response = browse(make.alice()).post(pieces(made), sent)
    assert (response.status_code, made.attachments.count()) == (422, 10)
    assert "au plus 10 pièces jointes" in errors(response)["file"].replace("\xa0", " ")


def test_the_report_takes_several_too_and_keeps_the_good_ones(browse):
    made = make.reserved()
    names = {"recu.jpg": filed.image(), "photo2.heic": b"MZ"}
    sent = {"attachment": [filed.upload(content, name) for name, content in names.items()], "version": made.version}
    response = browse(make.alice()).post(reverse("completion:edit", args=[made.pk]), sent)
    assert (response.status_code, made.attachments.get().name) == (422, "recu.jpg")
    assert "photo2.heic : Choisissez" in errors(response)["attachment"].replace("\xa0", " ")


@pytest.mark.parametrize(
    ("count", "ago", "says"), [(11, 0, "au plus 10 fichiers"), (1, 1, "aucun fichier n’a été joint")]
)
@pytest.mark.parametrize("button", ["estimer", "ajouter"])
def test_a_button_that_saves_nothing_says_why_it_kept_no_file(browse, button, count, ago, says):
    made = make.reserved()
    files = [filed.upload(filed.image(size=(20, 20 + n))) for n in range(count)]
    sent = {"attachment": files, "version": made.version - ago, button: "1"}
    response = browse(make.alice()).post(reverse("completion:edit", args=[made.pk]), sent)
    assert (response.status_code, made.attachments.count()) == (200, 0)
    assert says in said(response)


@pytest.mark.parametrize(
    "name", ["é" * 300 + ".jpg", "../../etc/passwd", "a\u202egpj.exe", "facture.php.jpg", "a;b=c.jpg"]
)
def test_whatever_its_name_a_file_is_kept_under_a_random_one(browse, name):
    made = filed.provided()
    browse(make.alice()).post(pieces(made), {"file": filed.upload(name=name), "kind": "other"})
    piece = made.attachments.get()
    assert re.fullmatch(r"pieces/[0-9a-f]{32}\.jpg", piece.file.name)
    assert len(piece.name) <= 120
    assert piece.name.endswith(".jpg")


# Sent by the script


SCRIPT = {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}


def test_the_script_gets_the_line_of_the_file_it_sent_and_the_same_one_again(browse):
    made, reader = filed.provided(), browse(make.alice())
    sent = [reader.post(pieces(made), {"file": filed.upload(), "kind": "other"}, **SCRIPT) for _ in range(2)]
    piece = made.attachments.get()
    assert [response.status_code for response in sent] == [201, 201]
    assert sent[0].content == sent[1].content
    assert f'<li id="piece-{piece.pk}">' in sent[0].content.decode()
    assert reverse("completion:thumbnail", args=[made.pk, piece.pk]) in sent[0].content.decode()


@pytest.mark.parametrize(
    ("sent", "status", "says"),
    [
        ({"file": b"<svg/>", "kind": "other"}, 422, "Choisissez une photo"),
        ({"kind": "other"}, 422, "Choisissez un fichier."),
        ({"file": b"", "kind": "autre"}, 422, "choix valide"),
    ],
)
def test_the_script_gets_the_sentence_of_a_refusal(browse, sent, status, says):
    if "file" in sent:
        sent = sent | {"file": filed.upload(sent["file"])}
    response = browse(make.alice()).post(pieces(filed.provided()), sent, **SCRIPT)
    assert (response.status_code, response["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert says in response.content.decode()


def test_the_script_adds_nothing_after_the_end_and_takes_nothing_back(browse):
    made = filed.provided()
    piece = filed.attach(made)
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    reader = browse(make.alice())
    sent = {"file": filed.upload(filed.pdf()), "kind": "other"}
    answers = [reader.post(pieces(made), sent, **SCRIPT), reader.post(address(piece), **SCRIPT)]
    assert [response.status_code for response in answers] == [409, 409]
    assert "ne peuvent plus changer" in answers[0].content.decode()


def test_the_script_takes_a_file_back(browse):
    piece = filed.attach(filed.provided())
    assert browse(make.alice()).post(address(piece), **SCRIPT).status_code == 204
    assert not Attachment.objects.exists()


# Thumbnails


def test_a_photo_has_a_small_copy_served_as_itself(browse):
    piece = filed.attach(filed.provided(), content=filed.image(size=(900, 600)))
    response = browse(make.alice()).get(small(piece))
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "private, no-store"
    assert Image.open(io.BytesIO(body(response))).size == (320, 213)


def test_a_photo_kept_before_there_were_small_copies_is_shown_whole(browse):
    piece = filed.attach(filed.provided())
    Attachment.objects.update(thumbnail="")
    response = browse(make.alice()).get(small(piece))
    assert body(response) == Path(piece.file.path).read_bytes()


def test_a_pdf_has_no_small_copy(browse):
    piece = filed.attach(filed.provided(), content=filed.pdf())
    assert browse(make.alice()).get(small(piece)).status_code == 404


def test_a_small_copy_is_read_by_those_concerned_alone(browse):
    made = filed.provided()
    piece = filed.attach(made)
    other = make.reserved(starts_at=START + timedelta(days=1))
    assert browse(make.bob()).get(small(piece)).status_code == 404
    assert browse(make.alice()).get(small(piece, other)).status_code == 404
