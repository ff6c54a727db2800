"""The helper that reads files: alone with them, killed, hung or flooded, it never takes the web process with it."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from completion import decoder, decoding
from completion.decoder import Decoder
from completion.decoding import MAX_CHILDREN, MAX_SECONDS, Rejected
from ims.processes import describe
from tests.completion.make import image
from tests.counts import rounds

ROOT = Path(decoding.__file__).resolve().parents[2]


@pytest.fixture
def helped():
    made = Decoder(patience=MAX_SECONDS)
    made.warm()
    yield made
    made.stop()


def until(condition, seconds=10):
    """Wait for what another process is about to do."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def children(helper: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{helper}/task/{helper}/children").read_text().split()]


def test_a_helper_killed_between_two_files_is_replaced(helped):
    for _ in range(rounds("kill")):
        helped.process.kill()
        assert helped.decode(image()).content_type == "image/jpeg"


def test_a_helper_killed_with_a_file_in_hand_is_replaced_and_the_file_read(helped):
    helper, found = helped.process, []
    helper.send_signal(signal.SIGSTOP)
    reader = threading.Thread(target=lambda: found.append(helped.decode(image())))
    reader.start()
    helper.kill()
    reader.join(10)
    assert found[0].content_type == "image/jpeg"
    assert helper.returncode == -signal.SIGKILL


def test_a_child_killed_is_a_refusal_and_the_next_file_is_read(helped):
    with helped._connection()[0] as connection:
        os.kill(until(lambda: children(helped.process.pid))[0], signal.SIGKILL)
        with connection.makefile("rb") as answer, pytest.raises(decoder.Gone):
            decoder._read(answer)
    helper = helped.process
    assert helped.decode(image()).content_type == "image/jpeg"
    assert helped.process is helper


def test_a_helper_that_hangs_is_a_refusal_and_is_replaced(helped):
    helped.patience = 0.2
    helped.process.send_signal(signal.SIGSTOP)
    with pytest.raises(Rejected, match="Réessayez"):
        helped.decode(image())
    helped.patience = MAX_SECONDS
    assert helped.decode(image()).content_type == "image/jpeg"


def test_a_helper_that_cannot_start_is_a_refusal_and_leaves_nothing_open(helped, monkeypatch):
    helped.stop()
    before = os.listdir("/proc/self/fd")
    with monkeypatch.context() as few:
        few.setattr(decoder.sys, "executable", "/nowhere/python")
        with pytest.raises(Rejected, match="Réessayez"):
            helped.decode(image())
    assert os.listdir("/proc/self/fd") == before
    assert helped.decode(image()).content_type == "image/jpeg"


def test_few_files_are_read_at_once_and_none_leaves_a_zombie(helped):
    connections = [helped._connection()[0] for _ in range(MAX_CHILDREN + 3)]
    until(lambda: len(children(helped.process.pid)) == MAX_CHILDREN)
    for connection in connections:
        with connection:
            connection.sendall(image())
            connection.shutdown(1)
            assert b"image/jpeg" in connection.makefile("rb").read()
    until(lambda: children(helped.process.pid) == [])


@pytest.mark.long
def test_a_child_that_hangs_is_killed_in_time(helped):
    with helped._connection()[0] as connection:
        began = time.monotonic()
        child = until(lambda: children(helped.process.pid))[0]
        connection.settimeout(2 * MAX_SECONDS)
        assert connection.recv(1) == b""
    assert time.monotonic() - began < MAX_SECONDS + 1
    assert describe(child) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\n",
        b"[]\n",
        b"{}\n",
        b"null\n",
        b'{"type": "text/html", "sizes": []}\n',
        b'{"refused": "X", "sizes": []}\n',
    ]
    + [b'{"type": "image/png", "sizes": [5, 5]}\nabc', b'{"type": "image/png", "sizes": [1]}\na', b"[" * 999]
    + [b'{"type": "image/png", "sizes": []}\n', b'{"type": "image/png", "sizes": [0, 0]}\n']
    + [b'{"type": "application/pdf", "refused": "ACTIVE", "sizes": []}\n', b'{"type": [], "sizes": []}\n']
    + [b'{"type": "image/png", "refused": "X", "sizes": [1, 1]}\nab', b'{"refused": "BUSY", "sizes": [1, 1]}\nab']
    + [b'{"type": "image/png", "sizes": [-1, 9]}\na', b'{"type": "image/png", "sizes": [99999999999, 9]}\na'],
)
def test_an_answer_that_makes_no_sense_is_no_answer(answer, tmp_path):
    (tmp_path / "answer").write_bytes(answer)
    with open(tmp_path / "answer", "rb") as given, pytest.raises(decoder.Gone):
        decoder._read(given)


def together(helped, contents, meanwhile=lambda: None) -> list[str]:
    """What becomes of files read at once, each by its thread: a type, or the name of a refusal."""
    found = []

    def read(content):
        try:
            found.append(helped.decode(content).content_type)
        except Rejected as error:
            found.append(error.args[0].name)

    threads = [threading.Thread(target=read, args=[content]) for content in contents]
    for thread in threads:
        thread.start()
    meanwhile()
    for thread in threads:
        thread.join(60)
    return found


def test_waiting_for_a_turn_is_not_a_helper_that_hangs(helped):
    helped.patience, helper = 0.3, helped.process

    def hold():
        time.sleep(3 * helped.patience)
        helped.patience = MAX_SECONDS
        for _ in range(MAX_CHILDREN):
            helped._turns.release()

    for _ in range(MAX_CHILDREN):
        helped._turns.acquire()
    assert together(helped, [image()] * 3, hold) == ["image/jpeg"] * 3
    assert helped.process is helper


def test_a_turn_that_never_comes_is_a_refusal_that_blames_no_file(helped, monkeypatch):
    monkeypatch.setattr(decoder, "MAX_WAIT", 0.1)
    for _ in range(MAX_CHILDREN):
        helped._turns.acquire()
    assert together(helped, [image()]) == ["BUSY"]


@pytest.mark.long
def test_fifty_photos_at_the_limit_are_all_read(helped):
    big, helper = image(size=(6900, 7200)), helped.process
    assert together(helped, [big] * 50) == ["image/jpeg"] * 50
    assert helped.process is helper


def test_no_file_is_blamed_for_a_helper_killed_with_several_in_hand(helped):
    def kill():
        time.sleep(draw.random() / 50)
        helper = helped.process
        helper.kill()
        helper.wait()

    draw = random.Random(20250306)
    for _ in range(rounds("kill")):
        assert set(together(helped, [image()] * 8, kill)) == {"image/jpeg"}


def test_the_helper_knows_none_of_our_secrets(helped):
    until(lambda: b"completion.decoding" in Path(f"/proc/{helped.process.pid}/cmdline").read_bytes())
    assert Path(f"/proc/{helped.process.pid}/environ").read_bytes() == b"MALLOC_ARENA_MAX=1\0"


FAMILY = """
import os, sys
from completion.decoder import DECODER
DECODER.warm()
child = os.fork()
if not child:
    assert DECODER.process is None
    DECODER.warm()
    print(DECODER.process.pid, flush=True)
    os._exit(0)
os.waitpid(child, 0)
assert DECODER.process.poll() is None
assert "PIL" not in sys.modules and "pypdf" not in sys.modules
print(DECODER.process.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_each_process_has_its_helper_which_ends_with_it_even_killed():
    strict = [sys.executable, "-W", "error", "-c", FAMILY]
    done = subprocess.run(strict, cwd=ROOT, capture_output=True, text=True)
    helpers = [int(pid) for pid in done.stdout.split()]
    assert (len(set(helpers)), done.stderr) == (2, "")
    until(lambda: not any(describe(pid) for pid in helpers))
