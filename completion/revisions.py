"""Every saving of a report with what it changed, and who signed it: read together, in one statement."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_datetime

from accounts.models import User
from completion.models import CompletionRevision, Signature
from completion.sheet import Difference, differences
from requests_app.masking import Hide, masked
from requests_app.models import ServiceRequest

_SIGNED = {name: name for name in ("id", "signer", "name", "drawing", "revision", "at")}


def read(service_request: ServiceRequest) -> tuple[list[CompletionRevision], list[Signature]]:
    """The revisions of a report, oldest first, and its signatures; one statement, none when nothing is filed."""
    completion = getattr(service_request, "completion", None)
    if completion is None or not completion.revision:
        return [], []
    signed = Signature.objects.filter(completion=OuterRef("completion")).values(row=JSONObject(**_SIGNED))
    revisions = list(completion.revisions.select_related("by").annotate(signed=ArraySubquery(signed)))
    rows = revisions[0].signed if revisions else []
    return revisions, [Signature(**row | {"at": parse_datetime(row["at"])}) for row in rows]


@dataclass(frozen=True)
class Saving:
    """One revision, for its reader: the first changes nothing of another."""

    number: int
    at: datetime
    who: str
    changes: list[Difference]


def savings(revisions: list[CompletionRevision], reader: User, hide: Hide, *, is_paper=False) -> list[Saving]:
    """Each saving, oldest first, compared with the one before; members of the BI are named to the BI alone.

    « vous » is somebody on a screen, and nobody on paper; `hide` is what the reader may not know.
    """
    befores = [None, *revisions]
    return [
        Saving(
            after.number,
            after.at,
            _who(after.by, reader, is_paper),
            _changes(before, after, hide) if before else [],
        )
        for before, after in zip(befores, revisions, strict=False)
    ]


def _changes(before: CompletionRevision, after: CompletionRevision, hide: Hide) -> list[Difference]:
    return [masked(change, hide, "before", "after") for change in differences(before.data, after.data)]


def _who(author: User, reader: User, is_paper: bool) -> str:
    if author == reader and not is_paper:
        return "vous"
    return "BI du RSSS" if author.is_bi_staff and not reader.is_bi_staff else str(author)
