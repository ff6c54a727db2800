"""What a tariff would do once published: from when to when, what it replaces, whom it pays; all of it is only read."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.french import decimal
from billing.models import PayLine, PayPolicy
from billing.tariff_words import WORDS, Difference, differences, in_force_words
from requests_app.business_days import MOST_AHEAD, is_far
from requests_app.models import AWAITING_REVIEW, Offer, ServiceRequest
from requests_app.period import midnight
from requests_app.workflow import ASSIGNED

State = PayPolicy.State
TAKEN = "La politique publiée à cette date a déjà payé quelqu’un\u00a0: choisissez une autre date."
# Somebody has it, and no line is frozen for it.
_WAITING = Q(status__in=[str(status) for status in ASSIGNED]) | AWAITING_REVIEW
_OPEN = Offer.objects.filter(state=Offer.State.OPEN)


def before(policy: PayPolicy) -> PayPolicy | None:
    """The published tariff that is, or would be, in force without this one; one query."""
    rows = PayPolicy.objects.published().exclude(pk=policy.pk).filter(effective_from__lte=policy.effective_from)
    return rows.order_by("-effective_from").first()


def until(policy: PayPolicy) -> date | None:
    """The first day of the published tariff that follows, None when none does; one query."""
    rows = PayPolicy.objects.published().filter(effective_from__gt=policy.effective_from)
    return rows.order_by("effective_from").values_list("effective_from", flat=True).first()


def date_error(day: date, *, at: datetime) -> str:
    """Why a tariff cannot start on `day`, in French; empty when it can."""
    if is_far(day) or day > timezone.localdate(at) + MOST_AHEAD:
        return "Cette date est trop éloignée\u00a0: vérifiez l’année."
    has_paid = PayLine.objects.filter(policy__state=State.PUBLISHED, policy__effective_from=day).exists()
    return TAKEN if has_paid else ""


def is_past(policy: PayPolicy, *, at: datetime) -> bool:
    """Whether it starts before the local day of `at`."""
    return policy.effective_from < timezone.localdate(at)


def fingerprint(policy: PayPolicy) -> str:
    """What a page shows of a row as stored, and its form carries: another since, somebody else has written it."""
    return _digest(_read(policy))


def _read(row: PayPolicy | None) -> list:
    return [getattr(row, name) for name in WORDS] + [row.effective_from, row.pk, row.rates_confirmed] if row else []


def _digest(told: list) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What publishing a draft would do: from when to when, what it replaces, whom it pays and whom it no longer can.

    `frozen` requests keep the lines they have; `waiting` ones, not validated yet, are paid by it; `offers` wait for
    an answer.
    """

    policy: PayPolicy
    before: PayPolicy | None
    until: date | None
    is_past: bool
    frozen: int
    waiting: int
    offers: int
    error: str

    @property
    def replaced(self) -> PayPolicy | None:
        """The published row of the same date, which paid nobody."""
        is_same_day = self.before is not None and self.before.effective_from == self.policy.effective_from
        return self.before if is_same_day else None

    @property
    def days(self) -> str:
        """« du 1er avril 2026 au 31 mai 2026 »: the services it would pay."""
        return in_force_words(self.policy, self.until)

    @property
    def frozen_words(self) -> str:
        if not self.frozen:
            return "Aucune demande de ces dates n’est déjà achevée."
        if self.frozen == 1:
            return "1 demande de ces dates est déjà achevée\u00a0: ses lignes de paie ne changent pas."
        number = decimal(self.frozen)
        return f"{number} demandes de ces dates sont déjà achevées\u00a0: leurs lignes de paie ne changent pas."

    @property
    def waiting_words(self) -> str:
        if not self.waiting:
            return "Aucune demande de ces dates n’attend d’être validée."
        if self.waiting == 1:
            return (
                "1 demande de ces dates, attribuée à un interprète et pas encore validée, "
                "sera payée selon cette politique."
            )
        return (
            f"{decimal(self.waiting)} demandes de ces dates, attribuées à un interprète et pas encore validées, "
            "seront payées selon cette politique."
        )

    @property
    def offers_words(self) -> str:
        """Empty when no offer waits, and when they go on saying the same."""
        if self.is_same or not self.offers:
            return ""
        if self.offers == 1:
            return "1 offre en attente dira un autre montant."
        return f"{decimal(self.offers)} offres en attente diront un autre montant."

    @property
    def unconfirms(self) -> bool:
        """Whether it takes the place of amounts that are confirmed, with its own, which never are yet."""
        return self.before is not None and self.before.rates_confirmed

    @property
    def differences(self) -> list[Difference]:
        return differences(self.before, self.policy) if self.before else []

    @property
    def is_same(self) -> bool:
        """Whether it pays exactly what is in force already."""
        return self.before is not None and not self.differences

    @property
    def has_doubts(self) -> bool:
        """Whether an amount moves so much that it may be typed wrong."""
        return any(one.doubt for one in self.differences)

    @property
    def seen(self) -> str:
        """What the person confirms: when it is another at the click, the page asks again.

        Not how many requests it meets: on a busy day that changes at each click, and no amount with it.
        """
        told = [_read(self.policy), _read(self.before), self.until, self.is_past]
        return _digest(told)


def publication(policy: PayPolicy, *, at: datetime) -> Publication:
    """What publishing `policy` at `at` would do; six queries."""
    end = until(policy)
    days = Q(service_on__gte=policy.effective_from) & (Q(service_on__lt=end) if end else Q())
    return Publication(
        policy=policy,
        before=before(policy),
        until=end,
        is_past=is_past(policy, at=at),
        frozen=PayLine.objects.filter(days).values("service_request").distinct().count(),
        waiting=_starting(ServiceRequest.objects.filter(_WAITING), "starts_at", policy.effective_from, end).count(),
        offers=_starting(_OPEN.all(), "service_request__starts_at", policy.effective_from, end).count(),
        error=date_error(policy.effective_from, at=at),
    )


def _starting(rows: QuerySet, name: str, start: date, end: date | None) -> QuerySet:
    """Those of these days, `end` left out."""
    rows = rows.filter(**{f"{name}__gte": midnight(start)})
    return rows.filter(**{f"{name}__lt": midnight(end)}) if end else rows
