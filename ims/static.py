"""Static files collected only when they changed: compressing them takes seconds."""

import fcntl
import hashlib

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect_when_changed() -> bool:
    """Collect the static files unless the last collection still holds; say whether there was work."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    stamp = settings.STATIC_ROOT.with_name("static.collected")
    with open(settings.STATIC_ROOT.with_name(".static.lock"), "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        wanted = _fingerprint()
        if stamp.exists() and stamp.read_text() == wanted:
            return False
        stamp.unlink(missing_ok=True)
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(wanted)
        return True


def _fingerprint() -> str:
    """Every file's path, size and time, and the way they are stored."""
    lines = [settings.STORAGES["staticfiles"]["BACKEND"]]
    for finder in get_finders():
        for path, storage in finder.list([]):
            seen = storage.path(path)
            lines.append(f"{seen} {storage.size(path)} {storage.get_modified_time(path)}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
