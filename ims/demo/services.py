"""The demo's long-lived processes: each in its own group, written down so that the next start can end its orphans."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from ims.local import ROOT
from ims.processes import describe, members

GRACE = 15  # seconds between asking and killing


class Service:
    """One process and its children. Its log and the record of its pid are files of `folder`."""

    def __init__(self, name: str, command: list[str], folder: Path):
        self.name, self.command = name, command
        self.log, self.record = folder / f"{name}.log", folder / f"{name}.pid"
        self.process, self.started = None, 0.0

    def start(self, env: dict[str, str]) -> None:
        """Start the process; what it says goes to its log."""
        with open(self.log, "ab" if self.process else "wb") as log:
            pipes = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
            command = [sys.executable, *self.command]
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, **pipes)
        self.started = time.monotonic()
        started, _ = describe(self.process.pid) or ("", "")
        self.record.write_text(f"{self.process.pid} {started}")

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def lifetime(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:].strip()

    def ask_to_stop(self) -> None:
        """Tell the main process only: told as a group, the task cluster hangs."""
        if self.is_running():
            self.process.terminate()

    def wait_or_kill(self) -> None:
        """Wait for the end, then kill whatever is left of the group."""
        if self.process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        while members(self.process.pid):
            time.sleep(0.02)
        self.record.unlink(missing_ok=True)

    def end_orphans(self) -> bool:
        """Kill what a killed demo left running; say whether there was any.

        A number is ours only if its process began when ours did; if ours is dead, its group cannot have been given to
        another, and what is left of it still runs this folder's Python.
        """
        if not self.record.exists():
            return False
        number, _, started = self.record.read_text().partition(" ")
        orphans = self._orphans(int(number), started) if number.isdecimal() else []
        for pid in orphans:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(describe(pid) for pid in orphans):
            time.sleep(0.02)
        self.record.unlink()
        return bool(orphans)

    def _orphans(self, leader: int, started: str) -> list[int]:
        now = describe(leader)
        if now and now[0] == started:
            return [leader, *members(leader)]
        alive = [] if now else [(pid, describe(pid)) for pid in members(leader)]
        return [pid for pid, process in alive if process and sys.executable in process[1]]
