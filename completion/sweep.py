"""Files without a row, and rows without a file: what a killed process or a lost disk leaves (reliability, D4).

Every night the first are taken away and the second are counted; `manage.py sweep_files` does it by hand.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.alone import alone
from completion.attachments import delete_quietly
from completion.models import Attachment, Signature

logger = logging.getLogger(__name__)

# A file is written before its row: a younger one may be waiting for it.
MIN_AGE = timedelta(hours=1)
# More than this in one night is no accident of ours: a database brought back from a copy, a folder of another house.
MOST = 100
# Every field that names a file, with its folder.
_FIELDS = [
    (model, name, model._meta.get_field(name).upload_to)
    for model, name in ((Attachment, "file"), (Attachment, "thumbnail"), (Signature, "drawing"))
]


@dataclass(frozen=True)
class Missing:
    """A row whose file is not there: its table and its number, never its name."""

    table: str
    pk: int
    field: str

    def __str__(self):
        return f"{self.table} {self.pk} ({self.field})"


@alone
def sweep(most: int = MOST) -> int:
    """Delete the files that no row names, unless they are too many; how many were. One warning tells what was found."""
    orphans, missing = orphan_files(), missing_files()
    is_plausible = len(orphans) <= most
    if orphans or missing:
        logger.warning(
            "Files without a row: %d, %s; rows without their file: %d (%s)",
            len(orphans),
            "deleted" if is_plausible else "too many, kept",
            len(missing),
            ", ".join(map(str, missing[:20])),
        )
    for name in orphans if is_plausible else ():
        delete_quietly(name)
    return len(orphans) if is_plausible else 0


def orphan_files() -> list[str]:
    """The stored files, older than MIN_AGE, that no row names."""
    # Listed first: a file written after the list is not in it, and one taken back meanwhile is in neither.
    stored = set(_stored())
    unnamed = stored - {name for _, name in _named()}
    before = timezone.now() - MIN_AGE
    return sorted(name for name in unnamed if _is_older(name, before))


def missing_files() -> list[Missing]:
    """The rows whose file is not stored, for staff to be told and a copy to be looked for."""
    stored = set(_stored())
    missing = [row for row, name in _named() if name not in stored and not default_storage.exists(name)]
    return [row for row in missing if _is_still_there(row)]


def _stored() -> Iterator[str]:
    for folder in sorted({folder for _, _, folder in _FIELDS}):
        try:
            names = default_storage.listdir(folder)[1]
        except FileNotFoundError:  # nothing was ever stored there
            continue
        yield from (f"{folder}/{name}" for name in names)


def _named() -> Iterator[tuple[Missing, str]]:
    for model, field, _ in _FIELDS:
        rows = model.objects.exclude(**{field: ""}).order_by("pk").values_list("pk", field)
        for pk, name in rows.iterator():
            yield Missing(model._meta.model_name, pk, field), name


def _is_older(name: str, before) -> bool:
    try:
        return default_storage.get_modified_time(name) < before
    except FileNotFoundError:  # taken back since it was listed
        return False


def _is_still_there(row: Missing) -> bool:
    tables = {model._meta.model_name: model for model, *_ in _FIELDS}
    return tables[row.table].objects.filter(pk=row.pk).exists()
