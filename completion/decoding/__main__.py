"""The helper process: waits for files, and reads each one in a child that may use little and not for long.

It is given one socket on standard input. Each byte that comes there brings another socket: the file, then the answer.
It stops when whoever started it is gone; a signal sent to the whole group is not for it.
"""

import gc
import json
import os
import resource
import select
import signal
import socket
import sys

from completion.decoding import (
    MAX_BYTES,
    MAX_CHILDREN,
    MAX_MEGABYTES,
    MAX_SECONDS,
    Refusal,
    Rejected,
    content_type_of,
    documents,
    images,
)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system itself buries the children
    gc.freeze()  # what is shared with the children stays shared
    with socket.socket(fileno=sys.stdin.fileno()) as control:
        serve(control)


def serve(control: socket.socket) -> None:
    """Until the other side closes. A child ends when the pipe that only it holds is closed."""
    lives: set[int] = set()
    while True:
        is_free = len(lives) < MAX_CHILDREN
        ready, _, _ = select.select([*lives, *([control] if is_free else [])], [], [])
        for life in lives.intersection(ready):
            os.close(life)
            lives.remove(life)
        if control in ready:
            message, descriptors, *_ = socket.recv_fds(control, 1, 1)
            if not message:
                return
            if descriptors:
                lives.add(start(socket.socket(fileno=descriptors[0]), control))


def start(connection: socket.socket, control: socket.socket) -> int:
    """A child for one file; the descriptor that says when it is gone."""
    life, held = os.pipe()
    if os.fork():
        os.close(held)
        connection.close()
        return life
    try:
        control.close()
        os.close(life)
        limit()
        work(connection)
    finally:
        os._exit(0)


def limit() -> None:
    """Time on the clock and of the processor, memory, no file written, no trace of memory left on the disk."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(MAX_SECONDS)
    ceilings = {
        resource.RLIMIT_CPU: MAX_SECONDS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
    }
    if sys.platform == "linux":  # elsewhere it is refused or means nothing; there, time alone protects
        ceilings[resource.RLIMIT_AS] = address_space() + MAX_MEGABYTES * 2**20
    for name, most in ceilings.items():
        resource.setrlimit(name, (most, most))


def address_space() -> int:
    """Bytes that the libraries already take of it."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def work(connection: socket.socket) -> None:
    """Read the file to its end, answer one line of JSON then the bytes it announces."""
    with connection.makefile("rb") as sent:
        content = sent.read(MAX_BYTES + 1)
    try:
        about, parts = judged(content)
    except Rejected as error:
        about, parts = {"refused": Refusal(error.args[0]).name}, []
    except MemoryError:
        about, parts = {"refused": Refusal.EXHAUSTING.name}, []
    about["sizes"] = [len(part) for part in parts]
    about["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for part in (json.dumps(about).encode() + b"\n", *parts):
        connection.sendall(part)


def judged(content: bytes) -> tuple[dict, list[bytes]]:
    """What the file is, and what is to be kept of it: nothing of a PDF, which stays as it is."""
    content_type = content_type_of(content)
    if len(content) > MAX_BYTES or not content_type:
        raise Rejected(Refusal.TOO_HEAVY if content_type else Refusal.UNKNOWN)
    if content_type == "application/pdf":
        documents.check(content)
        return {"type": content_type}, []
    drawn_type, *parts = images.redraw(content, content_type)
    return {"type": drawn_type}, parts


if __name__ == "__main__":
    main()
