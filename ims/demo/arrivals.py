"""What the demo's providers received: one file a message in a folder, named after its instant and its kind."""

import re
import secrets
import time
from pathlib import Path

EMAIL, SMS = ".eml", ".sms"
# The instant in nanoseconds, then letters drawn: a name says when, and nothing of anybody.
NAME = re.compile(rf"(\d{{20}})-[0-9a-f]{{8}}({re.escape(EMAIL)}|{re.escape(SMS)})")


def keep(folder: Path, kind: str, content: bytes) -> None:
    """Write one message, whole as soon as it has its name; names are in the order of arrival."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{time.time_ns():020}-{secrets.token_hex(4)}.draft"
    draft.write_bytes(content)
    draft.rename(draft.with_suffix(kind))
