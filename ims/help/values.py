"""The rules as the help says them: read where they are kept, never typed again in a page."""

from itertools import groupby

from django.conf import settings
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts import bank
from accounts.banners import SNOOZE
from accounts.devices import CODE_LIFE
from accounts.drawn import TEMPORARY_LIFE
from accounts.french import NBSP, duration, km
from accounts.models import Institution
from accounts.trust import LIFE
from billing.models import PayPolicy
from billing.rules import LATE_CANCELLATION_NOTICE
from billing.tariff_words import WORDS
from completion.attachments import MAX_ATTACHMENTS
from completion.flags import FlagKind
from completion.uploads import MAX_BYTES
from requests_app import ranking
from requests_app.board import QUEUES
from requests_app.held import AHEAD
from requests_app.models import Purpose
from requests_app.sourcing import REACH_KM
from requests_app.workflow import ACTION_HELP, STATUS_HELP, WITHDRAWAL_NOTICE, Action, Status

# « Que signifient les différents statuts d'une demande ? »: the five of the FAQ, then Annulé, which it names elsewhere.
EXPLAINED = (
    Status.PENDING,
    Status.RESERVED,
    Status.MODIFIED,
    Status.PROVIDED,
    Status.COMPLETED,
    Status.CANCELLED,
)
_MEGABYTE = 1024 * 1024
# While the pages are read for the search, which asks the database nothing: the figures of a tariff change.
UNREAD_TARIFF = dict.fromkeys(WORDS, "…") | {"is_confirmed": True}


def known() -> dict:
    """What any page may say: the BI, rules and their limits, sentences of the statuses. Asks the database nothing."""
    return {
        "bi_phone": bank.PHONE,
        "bi_email": bank.EMAIL,
        "bi_name": bank.NAME,
        "instance_id": settings.INSTANCE_ID,
        "statuses": [(status, status.label, STATUS_HELP[status]) for status in EXPLAINED],
        "unallocated": Status.UNALLOCATED,
        "status_help": STATUS_HELP,
        "actions": {action.value: action.label for action in Action},
        "action_help": ACTION_HELP,
        "withdrawal": _hours(WITHDRAWAL_NOTICE),
        "notice": _hours(LATE_CANCELLATION_NOTICE),
        "temporary_life": _hours(TEMPORARY_LIFE),
        "held_ahead": _hours(AHEAD),
        "code_life": f"{CODE_LIFE.seconds // 60}{NBSP}minutes",
        "trust_life": f"{LIFE.days}{NBSP}jours",
        "snooze": f"{SNOOZE.days}{NBSP}jours",
        "purposes": Purpose.labels,
        "most_files": MAX_ATTACHMENTS,
        "most_weight": f"{MAX_BYTES // _MEGABYTE}{NBSP}Mo",
        "queues": QUEUES,
        "ranking": ranking.rules(),
        "reach": km(REACH_KM),
        "flags": FlagKind.labels,
        "pay_days": settings.PAY_PERIOD_DAYS,
    }


def _hours(length) -> str:
    return duration(int(length.total_seconds()) // 60)


def tariff_in_force() -> dict:
    """Each value of today's tariff in words, read when a page first says one of them: one statement, or none."""
    return SimpleLazyObject(_tariff)


def _tariff() -> dict:
    published = PayPolicy.objects.published().filter(effective_from__lte=timezone.localdate())
    policy = published.order_by("-effective_from").first()
    if policy is None:
        return UNREAD_TARIFF
    values = {name: say(getattr(policy, name)) for name, (_, say) in WORDS.items()}
    return values | {"is_confirmed": policy.rates_confirmed}


def head_offices() -> list[tuple[str, list[Institution]]]:
    """« adresse du siège social par région d'appartenance »: (region, its institutions), in one statement."""
    rows = Institution.objects.select_related("region").order_by("region", "name")
    return [(str(region), list(of_it)) for region, of_it in groupby(rows, key=lambda row: row.region)]
