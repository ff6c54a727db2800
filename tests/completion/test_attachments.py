"""Files kept with a request: who, until when, how many, and no orphan."""

import errno
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import DatabaseError

from completion import attachments, decisions, services
from completion.attachments import MAX_ATTACHMENTS, may_attach
from completion.models import Attachment
from completion.uploads import Rejected
from requests_app import services as requests
from requests_app.moves import Busy
from requests_app.workflow import NotAllowed
from tests import make
from tests.completion import make as filed
from tests.make import HOUR, START
from tests.requests_app.test_clashes import clashing

pytestmark = pytest.mark.django_db
END = START + make.LENGTH
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_a_receipt_is_kept_under_a_random_name_with_its_hash():
    made = filed.provided()
    piece = filed.attach(made)
    stored = Path(piece.file.path)
    assert (piece.name, piece.interpreter, piece.size) == ("facture.jpg", make.alice(), stored.stat().st_size)
    assert set(files()) == {stored, Path(piece.thumbnail.path)}
    assert "facture" not in str(files())


@pytest.mark.parametrize(("after", "is_open"), [(-SECOND, False), (timedelta(), True), (SECOND, True)])
def test_files_are_added_from_the_start(after, is_open):
    assert may_attach(make.reserved(), make.alice(), at=START + after) is is_open


def test_files_are_added_until_the_end_and_not_after():
    made = filed.provided()
    filed.attach(made)
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    with pytest.raises(NotAllowed):
        filed.attach(made, content=filed.pdf())
    assert (Attachment.objects.count(), len(files())) == (1, 2)


@pytest.mark.parametrize("who", [make.bob, make.requester, make.validator, make.administrator])
def test_nobody_else_adds_a_file(who):
    with pytest.raises(NotAllowed):
        filed.attach(filed.provided(), by=who())
    assert files() == []


def test_a_coordinator_adds_a_file_for_the_interpreter():
    piece = filed.attach(filed.provided(), by=make.coordinator())
    assert (piece.interpreter, piece.uploaded_by) == (make.alice(), make.coordinator())


def test_the_same_file_twice_is_one_attachment():
    made = filed.provided()
    assert filed.attach(made) == filed.attach(made)
    assert len(files()) == 2


def test_ten_files_at_most():
    made = filed.provided()
    for side in range(MAX_ATTACHMENTS):
        filed.attach(made, content=filed.image(size=(20, 20 + side)))
    with pytest.raises(NotAllowed, match="au plus 10"):
        filed.attach(made, content=filed.image(size=(90, 90)))
    assert filed.attach(made, content=filed.image(size=(20, 20))) in made.attachments.all()
    assert (Attachment.objects.count(), len(files())) == (10, 20)


def test_a_rejected_file_leaves_neither_row_nor_file():
    with pytest.raises(Rejected):
        filed.attach(filed.provided(), content=b"<svg/>")
    assert (Attachment.objects.count(), files()) == (0, [])


def test_a_rolled_back_row_leaves_no_file(monkeypatch):
    def fail(self, *args, **kwargs):
        raise DatabaseError

    monkeypatch.setattr(Attachment, "save", fail)
    with pytest.raises(DatabaseError):
        filed.attach(filed.provided())
    assert files() == []


class FullDisk(FileSystemStorage):
    """Takes `room` bytes of file number `number` (the photo, then its thumbnail), and has no room for more."""

    def __init__(self, number: int, room: int):
        super().__init__()
        self.number, self.room = number, room

    def _save(self, name, content):
        self.number -= 1
        if self.number:
            return super()._save(name, content)
        super()._save(name, ContentFile(content.read(self.room)))
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("number", [1, 2], ids=["photo", "thumbnail"])
@pytest.mark.parametrize("room", [0, 1, 4096, 10**9])
def test_a_disk_full_at_any_byte_is_said_in_french_and_leaves_nothing(monkeypatch, number, room):
    monkeypatch.setattr(attachments, "default_storage", FullDisk(number, room))
    with pytest.raises(Rejected, match="n’a pas pu être enregistré"):
        filed.attach(filed.provided())
    assert (Attachment.objects.count(), files()) == (0, [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("clashes", "left"), [(2, 2), (3, 0)], ids=["tried again", "given up"])
def test_a_clash_of_two_people_is_tried_again_and_leaves_no_file_of_its_own(clashes, left):
    made = filed.provided()
    with clashing("55P03", clashes, "completion_attachment"), suppress(Busy):
        filed.attach(made)
    assert (made.attachments.count(), len(files())) == (left // 2, left)


def test_a_file_taken_back_goes_with_its_row(django_capture_on_commit_callbacks):
    made = filed.provided()
    piece = filed.attach(made)
    with django_capture_on_commit_callbacks(execute=True):
        services.remove_attachment(made, piece, by=make.alice(), at=END + 2 * HOUR)
    assert (Attachment.objects.count(), files()) == (0, [])


def test_nothing_is_taken_back_after_the_end():
    made = filed.provided()
    piece = filed.attach(made)
    decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
    with pytest.raises(NotAllowed):
        services.remove_attachment(made, piece, by=make.alice(), at=END + 3 * HOUR)
    assert len(files()) == 2


def test_whoever_takes_the_request_over_has_none_of_the_files_before():
    made = make.reserved()
    filed.attach(made, at=START)
    requests.reassign(made, make.bob(), by=make.coordinator(), at=START + HOUR, note="Alice a dû partir.")
    assert list(made.attachments.current()) == []
    filed.report(made, parking_amount=Decimal("10.00"))
    with pytest.raises(NotAllowed, match="n’a pas de facture"):
        decisions.validate(made, by=make.validator(), at=END + 2 * HOUR)
