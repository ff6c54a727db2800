"""The web process's side of the helper that reads files (completion/decoding): one for each process, started again
whenever it is found dead. Whatever happens there, here it is a `Rejected`, and the next file is read.
"""

import atexit
import json
import os
import select
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore, Lock

from completion.decoding import MAX_BYTES, MAX_CHILDREN, MAX_SECONDS, Refusal, Rejected

_ROOT = Path(__file__).resolve().parent.parent
# Seconds without a byte: a child's own limits end it long before, so it is the helper that hangs.
PATIENCE = 3 * MAX_SECONDS
# Seconds that a file waits for its turn before that: none of it says anything of the helper.
MAX_WAIT = 60
# Milliseconds that a dying helper may take to let go of our end, once it has let go of a file.
GRACE = 50
_MAX_LINE = 1000
# What is drawn again is 3000 pixels at most: no honest answer is longer.
_MAX_PART = 4 * MAX_BYTES
# How many parts come with each: a PDF is kept as it came.
_PARTS = {"image/jpeg": 2, "image/png": 2, "application/pdf": 0}


class Gone(OSError):
    """The helper died before it answered."""


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What a file is; `content` and `thumbnail` are empty for a PDF, kept as it came."""

    content_type: str
    content: bytes
    thumbnail: bytes


class Decoder:
    """Shared by the threads of one process; a process that is forked from it starts its own."""

    def __init__(self, patience: float = PATIENCE):
        self.patience, self.process, self._control = patience, None, None
        self._renew()

    def _renew(self) -> None:
        # As many turns as the helper has children: what waits for one must not be taken for a helper that hangs.
        self._lock, self._turns = Lock(), BoundedSemaphore(MAX_CHILDREN)

    def decode(self, content: bytes) -> Decoded:
        """The file drawn again, or judged harmless; raises Rejected."""
        about, parts = self.ask(content)
        if "refused" in about:
            raise Rejected(Refusal[about["refused"]])
        content, thumbnail = parts or (b"", b"")
        return Decoded(content_type=about["type"], content=content, thumbnail=thumbnail)

    def ask(self, content: bytes) -> tuple[dict, list[bytes]]:
        """The helper's answer as it came: what it says (`type` or `refused`, `peak` in KB), and the bytes with it.

        Raises Rejected when there is none: the child was killed for what it used, or no helper answers.
        """
        if not self._turns.acquire(timeout=MAX_WAIT):
            raise Rejected(Refusal.BUSY)
        try:
            return self._exchange_twice(content)
        except OSError as error:
            raise Rejected(Refusal.BUSY) from error
        finally:
            self._turns.release()

    def warm(self) -> None:
        """Start the helper now, so that the first file does not wait for it."""
        with self._lock:
            self._start_if_needed()

    def stop(self) -> None:
        """End the helper; the next file starts another."""
        with self._lock:
            self._discard()

    # The exchange.

    def _exchange_twice(self, content: bytes) -> tuple[dict, list[bytes]]:
        try:
            return self._exchange(content)
        except Gone:  # with its helper: another one reads it
            return self._exchange(content)

    def _exchange(self, content: bytes) -> tuple[dict, list[bytes]]:
        connection, helper = self._connection()
        try:
            return _answer(connection, content)
        except TimeoutError:
            self._replace(helper)
            raise
        except Gone:
            if self._is_still_there(helper):  # then it is the child that this file has killed
                raise Rejected(Refusal.EXHAUSTING) from None
            raise

    def _connection(self) -> tuple[socket.socket, subprocess.Popen]:
        """A socket whose other end is a child's, and the helper whose child it is."""
        ours, theirs = socket.socketpair()
        ours.settimeout(self.patience)
        try:
            with theirs, self._lock:
                return ours, self._hand_over(theirs)
        except OSError:
            ours.close()
            raise

    def _hand_over(self, theirs: socket.socket) -> subprocess.Popen:
        self._start_if_needed()
        try:
            socket.send_fds(self._control, [b"f"], [theirs.fileno()])
        except OSError:  # it died this instant
            self._discard()
            self._start_if_needed()
            socket.send_fds(self._control, [b"f"], [theirs.fileno()])
        return self.process

    # The helper's life.

    def _is_alive(self, grace: int = 0) -> bool:
        """Whether it still holds its end, `grace` milliseconds from now: it never says anything there."""
        if self.process is None or self.process.poll() is not None:
            return False
        said = select.poll()
        said.register(self._control, select.POLLIN)
        return not said.poll(grace)

    def _is_still_there(self, helper: subprocess.Popen) -> bool:
        """Whether this very helper lives: the one that replaced it knows nothing of the file."""
        with self._lock:
            return self.process is helper and self._is_alive(GRACE)

    def _replace(self, helper: subprocess.Popen) -> None:
        """End this one, unless another already took its place."""
        with self._lock:
            if self.process is helper:
                self._discard()

    def _start_if_needed(self) -> None:
        if self._is_alive():
            return
        self._discard()
        ours, theirs = socket.socketpair()
        ours.settimeout(self.patience)
        with theirs:
            try:
                self.process = _started(theirs)
            except OSError:  # no room for one more process
                ours.close()
                raise
        self._control = ours

    def _discard(self) -> None:
        if self._control is not None:
            self._control.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = self._control = None

    def forget(self) -> None:
        """In a process just forked: the helper is its parent's."""
        self._renew()
        if self._control is not None:
            self._control.close()
            self.process.returncode = 0  # not ours to wait for
        self.process = self._control = None


def _started(control: socket.socket) -> subprocess.Popen:
    # None of our environment: it holds the keys. One arena: threads would reserve memory that is counted.
    return subprocess.Popen(
        [sys.executable, "-m", "completion.decoding"],
        stdin=control,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        env={"MALLOC_ARENA_MAX": "1"},
    )


def _answer(connection: socket.socket, content: bytes) -> tuple[dict, list[bytes]]:
    with connection:
        # It may answer, or die, without having read everything: the answer tells.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            return _read(answer)


def _read(answer) -> tuple[dict, list[bytes]]:
    """One line of JSON, then the parts whose sizes it gives; raises Gone for whatever else comes.

    A child that a file has taken over may say anything.
    """
    try:
        return _parsed(answer)
    except (ConnectionError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Gone from error


def _parsed(answer) -> tuple[dict, list[bytes]]:
    about = json.loads(answer.readline(_MAX_LINE))
    expected = 0 if _is_refusal(about) else _PARTS[about["type"]]
    sizes = about["sizes"]
    if len(sizes) != expected or not all(0 < size <= _MAX_PART for size in sizes):
        raise ValueError
    parts = [answer.read(size) for size in sizes]
    if [len(part) for part in parts] != sizes:  # cut short
        raise ValueError
    return about, parts


def _is_refusal(about: dict) -> bool:
    if ("type" in about) == ("refused" in about):
        raise ValueError
    return "refused" in about and about["refused"] in Refusal.__members__


DECODER = Decoder()
os.register_at_fork(after_in_child=DECODER.forget)
atexit.register(DECODER.stop)
