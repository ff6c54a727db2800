"""What a killed process or a lost disk leaves (reliability, D4): taken away or told, and nothing else is touched."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Schedule

from completion import attachments, sweep
from completion.models import Attachment
from tests import make
from tests.completion import make as filed

pytestmark = pytest.mark.django_db
PATIENT = "Ulric-Vandemoortele"


@pytest.fixture(autouse=True)
def media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def stored(name: str, age: timedelta) -> str:
    kept = default_storage.save(name, ContentFile(b"a"))
    then = (timezone.now() - age).timestamp()
    os.utime(default_storage.path(kept), (then, then))
    return kept


def grow_old():
    """Every file there is, two hours ago."""
    then = (timezone.now() - timedelta(hours=2)).timestamp()
    for path in Path(default_storage.location).rglob("*"):
        os.utime(path, (then, then))


def test_the_files_of_a_row_are_never_touched():
    piece = filed.attach(filed.provided())
    grow_old()
    assert (sweep.sweep(), sweep.missing_files()) == (0, [])
    assert piece.file.storage.exists(piece.thumbnail.name)


@pytest.mark.parametrize("folder", ["pieces", "signatures"])
@pytest.mark.parametrize(("minutes", "count"), [(59, 0), (61, 1)])
def test_a_file_without_a_row_goes_after_an_hour(folder, minutes, count):
    name = stored(f"{folder}/a.jpg", timedelta(minutes=minutes))
    assert sweep.sweep() == count
    assert default_storage.exists(name) is not bool(count)


def test_what_is_elsewhere_is_not_ours():
    name = stored("autre/a.jpg", timedelta(days=2))
    assert sweep.sweep() == 0
    assert default_storage.exists(name)


@pytest.mark.parametrize("killed_at", ["_write", "_attach"])
def test_what_a_process_killed_half_way_leaves_is_swept(monkeypatch, killed_at):
    class Killed(BaseException):
        pass

    def kill(*args):
        raise Killed

    made = filed.provided()
    write, calls = attachments._write, []
    monkeypatch.setattr(attachments, "delete_quietly", lambda name: None)  # the dead clean nothing
    monkeypatch.setattr(attachments, killed_at, lambda *a: kill() if calls else (calls.append(1), write(*a))[1])
    if killed_at == "_attach":
        calls.append(1)
    with pytest.raises(Killed):
        filed.attach(made)
    grow_old()
    assert len(sweep.orphan_files()) == (1 if killed_at == "_write" else 2)
    sweep.sweep()
    assert (sweep.orphan_files(), Attachment.objects.count()) == ([], 0)


@pytest.mark.parametrize("field", ["file", "thumbnail"])
def test_a_row_whose_file_is_lost_is_told_by_its_number_and_kept(caplog, field):
    piece = filed.attach(filed.provided(), name=f"{PATIENT}.jpg")
    default_storage.delete(getattr(piece, field).name)
    assert sweep.missing_files() == [sweep.Missing("attachment", piece.pk, field)]
    assert sweep.sweep() == 0
    [line] = caplog.messages
    assert f"rows without their file: 1 (attachment {piece.pk} ({field}))" in line
    assert PATIENT not in line
    assert Attachment.objects.filter(pk=piece.pk).exists()


def test_too_many_files_without_a_row_are_told_and_kept(caplog, monkeypatch):
    monkeypatch.setattr(sweep.sweep.__wrapped__, "__defaults__", (2,))
    names = [stored(f"pieces/{n}.jpg", timedelta(hours=2)) for n in range(3)]
    assert sweep.sweep() == 0
    assert "3, too many, kept" in caplog.text
    assert all(map(default_storage.exists, names))


def test_nothing_to_say_is_not_said(caplog):
    sweep.sweep()
    assert caplog.messages == []


def test_by_hand_one_may_look_first(capsys):
    name = stored("pieces/a.jpg", timedelta(hours=2))
    call_command("sweep_files", dry_run=True)
    assert f"sans pièce\u00a0: {name}" in capsys.readouterr().out
    assert default_storage.exists(name)
    call_command("sweep_files", all=True)
    assert not default_storage.exists(name)


def test_it_is_done_every_night():
    assert Schedule.objects.get(func="completion.sweep.sweep").schedule_type == Schedule.DAILY


def test_a_drawing_of_a_signature_is_a_file_of_a_row():
    signed = filed.provided().completion.signatures
    drawing = default_storage.save("signatures/a.png", ContentFile(b"a"))
    signed.create(signer="interpreter", name="Alice", drawing=drawing, revision=1, by=make.alice(), at=timezone.now())
    grow_old()
    assert (sweep.sweep(), default_storage.exists(drawing)) == (0, True)
