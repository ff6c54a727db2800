"""What the machine says of a process: enough to tell ours from another that was given the same number later."""

import subprocess
from pathlib import Path

PROC = Path("/proc")


def describe(pid: int) -> str:
    """Start time and command line of a live process; empty once it is gone or only waits to be reaped."""
    if not (PROC / "self/stat").exists():
        return _describe_with_ps(pid)
    try:
        state, *fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        command = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if state in "ZX" else f"{fields[18]} {command}".strip()


def _describe_with_ps(pid: int) -> str:
    """The same where there is no /proc (macOS)."""
    ps = ["ps", "-ww", "-o", "stat=,lstart=,command=", "-p", str(pid)]
    state, _, rest = subprocess.run(ps, capture_output=True, text=True).stdout.strip().partition(" ")
    return "" if state.startswith("Z") else rest.strip()


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
