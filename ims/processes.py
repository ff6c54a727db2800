"""What the machine says of a process: enough to tell ours from another that was given the same number later."""

import subprocess
from pathlib import Path

PROC = Path("/proc")


def describe(pid: int) -> tuple[str, str] | None:
    """Start time and command line of a live process; None once it is gone or only waits to be reaped.

    The command line may still be empty in the first instants of a process.
    """
    if not (PROC / "self/stat").exists():
        return _describe_with_ps(pid)
    try:
        state, *fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        command = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else (fields[18], command)


def _describe_with_ps(pid: int) -> tuple[str, str] | None:
    """The same where there is no /proc (macOS)."""
    ps = ["ps", "-ww", "-o", "lstart=,stat=,command=", "-p", str(pid)]
    line = subprocess.run(ps, capture_output=True, text=True).stdout.strip()
    started, (state, _, command) = line[:24], line[24:].strip().partition(" ")
    return None if not line or state.startswith("Z") else (started, command.strip() + " ")


def members(group: int) -> list[int]:
    """The processes of a group, its leader dead or not; empty where there is no /proc."""
    found = []
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group and fields[0] not in "ZX":
            found.append(int(stat.parent.name))
    return found
