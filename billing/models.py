"""Dated tariffs and a ledger of pay lines that only grows; with the records of the days that pay them."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from accounts.french import date_words, money
from accounts.models import User
from billing import rules
from billing.paydays import PayPeriod, PayStatement, PeriodExport, StatementLine, UnpaidLine
from requests_app.models import ServiceRequest

__all__ = [
    "AddedLine",
    "MILEAGE_MODES",
    "PayLine",
    "PayPeriod",
    "PayPolicy",
    "PayStatement",
    "PeriodExport",
    "StatementLine",
    "UnpaidLine",
    "rate_places",
]

RATES = {"max_digits": 8, "decimal_places": 4, "validators": [MinValueValidator(0)]}
MILEAGE_MODES = {
    rules.MileageMode.ROUND_TRIP_FULL: "Aller-retour complet",
    rules.MileageMode.ONE_WAY_FULL: "Aller complet",
    rules.MileageMode.ROUND_TRIP_EXCESS: "Aller-retour au-delà du seuil",
}


def rate_places(rate: Decimal) -> int:
    """How many decimals of a rate in dollars count: its cents at least, and no useless zero after them."""
    return max(2, -rate.normalize().as_tuple().exponent)


class PayPolicyQuerySet(models.QuerySet):
    def published(self):
        """Those that pay; the others are drafts, or were replaced before they paid anybody."""
        return self.filter(state=PayPolicy.State.PUBLISHED)


class PayPolicy(models.Model):
    """A tariff in force from a date until the next; the one of the service date decides.

    A validator drafts it, an administrator publishes it; from then on nothing of it changes (a trigger sees to it) but
    `rates_confirmed`: the amounts are placeholders until then.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Brouillon"
        PUBLISHED = "published", "Publiée"
        REPLACED = "replaced", "Remplacée"

    state = models.CharField("état", max_length=10, choices=State.choices, default=State.DRAFT)
    effective_from = models.DateField("en vigueur le")
    hourly_rate = models.DecimalField("taux horaire ($)", **RATES)
    minimum_minutes = models.PositiveSmallIntegerField("minimum (minutes)")
    increment_minutes = models.PositiveSmallIntegerField(
        "arrondi supérieur (minutes)", validators=[MinValueValidator(1)]
    )
    communication_fee = models.DecimalField("communication ($)", **RATES)
    mileage_threshold_km = models.DecimalField("seuil de kilométrage, aller (km)", **RATES)
    mileage_rate = models.DecimalField("taux du kilomètre ($)", **RATES)
    mileage_mode = models.CharField(
        "calcul du kilométrage",
        max_length=20,
        choices=[(mode.value, label) for mode, label in MILEAGE_MODES.items()],
    )
    travel_time_rate = models.DecimalField("temps de déplacement, taux horaire ($)", **RATES)
    word_rate_translation = models.DecimalField("traduction, le mot ($)", **RATES)
    word_rate_revision = models.DecimalField("révision, le mot ($)", **RATES)
    rates_confirmed = models.BooleanField("tarifs confirmés", default=False)
    drafted_by = models.ForeignKey(
        User, models.PROTECT, verbose_name="préparée par", null=True, blank=True, related_name="+"
    )
    published_by = models.ForeignKey(
        User, models.PROTECT, verbose_name="publiée par", null=True, blank=True, related_name="+"
    )
    published_at = models.DateTimeField("publiée le", null=True, blank=True)

    objects = PayPolicyQuerySet.as_manager()

    class Meta:
        verbose_name = "politique de rémunération"
        verbose_name_plural = "politiques de rémunération"
        ordering = ["-effective_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(increment_minutes__gte=1),
                name="policy_rounds_to_something",
                violation_error_message="L’arrondi est d’au moins une minute.",
            ),
            models.CheckConstraint(
                condition=Q(mileage_mode__in=[mode.value for mode in MILEAGE_MODES]),
                name="policy_has_a_known_mileage_mode",
                violation_error_message="Calcul du kilométrage inconnu.",
            ),
            models.UniqueConstraint(
                fields=["effective_from"],
                condition=Q(state="published"),
                name="one_published_policy_a_day",
                violation_error_message="Une politique publiée entre déjà en vigueur ce jour-là.",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", published_at=None, published_by=None)
                | Q(state__in=["published", "replaced"], published_at__isnull=False),
                name="publication_says_when",
                violation_error_message="Une politique publiée dit quand.",
            ),
            models.CheckConstraint(
                condition=Q(drafted_by=None) | Q(published_by=None) | ~Q(drafted_by=F("published_by")),
                name="policy_is_published_by_another_person",
                violation_error_message="Qui prépare une politique ne la publie pas.",
            ),
        ]

    def __str__(self):
        return f"Politique du {date_words(self.effective_from)}"

    def as_rules(self) -> rules.Policy:
        """The tariff for the pay engine, whose sentences write each rate as given: with the digits that count."""
        values = {name: getattr(self, name) for name in rules.Policy.__dataclass_fields__}
        for name, value in values.items():
            if isinstance(value, Decimal):
                values[name] = round(value, rate_places(value))
        return rules.Policy(**values)


class PayLine(models.Model):
    """One frozen line of pay, append-only (a trigger sees to it); a correction is a reversal and a new line."""

    service_request = models.ForeignKey(
        ServiceRequest, models.PROTECT, verbose_name="demande", related_name="pay_lines"
    )
    interpreter = models.ForeignKey(User, models.PROTECT, verbose_name="interprète", related_name="pay_lines")
    # The local date of the service, which decides the tariff and the month where the line is told.
    service_on = models.DateField("date du service")
    policy = models.ForeignKey(PayPolicy, models.PROTECT, verbose_name="politique", related_name="pay_lines")
    # From 1 in each request: the same lines cannot be written twice.
    number = models.PositiveSmallIntegerField("numéro")
    kind = models.CharField(
        "nature", max_length=20, choices=[(kind.value, name) for kind, name in rules.RULE_NAMES.items()]
    )
    rule = models.CharField("règle", max_length=80)
    # Wider than a tariff: a word count as large as the rules allow, a parking receipt as its own rate.
    quantity = models.DecimalField("quantité", max_digits=12, decimal_places=4)
    unit = models.CharField("unité", max_length=20)
    rate = models.DecimalField("taux", max_digits=12, decimal_places=4)
    amount = models.DecimalField("montant", max_digits=14, decimal_places=2)
    reason = models.CharField("explication", max_length=300)
    # The facts, closed days and tariff the line was computed from, so that it can be checked years later.
    inputs = models.JSONField("faits")
    reverses = models.OneToOneField(
        "self", models.PROTECT, verbose_name="annule la ligne", null=True, blank=True, related_name="reversal"
    )
    created_by = models.ForeignKey(User, models.PROTECT, verbose_name="figée par", related_name="+")
    created_at = models.DateTimeField("figée le")

    class Meta:
        verbose_name = "ligne de paie"
        verbose_name_plural = "lignes de paie"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["service_request", "number"],
                name="request_is_frozen_once",
                violation_error_message="Les lignes de paie de cette demande sont déjà figées.",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in rules.LineKind]),
                name="pay_line_has_a_known_kind",
                violation_error_message="Nature de ligne inconnue.",
            ),
            models.CheckConstraint(
                condition=Q(reverses=None, amount__gte=0)
                | Q(reverses__isnull=False, amount__lte=0)
                | Q(kind=rules.LineKind.ADJUSTMENT.value),
                name="only_a_reversal_is_negative",
                violation_error_message="Seule l’annulation d’une ligne, ou une ligne ajoutée par la BI, est négative.",
            ),
        ]
        indexes = [
            models.Index(fields=["interpreter", "service_on"], name="pay_of_interpreter"),
            # « Tableau de paie » adds up what it carries without reading the wide lines themselves.
            models.Index(fields=["service_on"], include=["service_request", "kind", "amount"], name="pay_by_day"),
        ]

    def __str__(self):
        return f"{self.rule}, {money(self.amount)} (demande {self.service_request_id})"


class AddedLine(models.Model):
    """What a validator adds to the pay of a request, or takes off, before Achevé; frozen then like any other line.

    It is for the `interpreter` of that time: whoever takes the request over is not paid by it.
    """

    service_request = models.ForeignKey(
        ServiceRequest, models.PROTECT, verbose_name="demande", related_name="added_lines"
    )
    interpreter = models.ForeignKey(User, models.PROTECT, verbose_name="interprète", related_name="+")
    amount = models.DecimalField("montant ($)", max_digits=9, decimal_places=2)
    reason = models.CharField("raison", max_length=250)
    added_by = models.ForeignKey(User, models.PROTECT, verbose_name="ajoutée par", related_name="+")
    added_at = models.DateTimeField("ajoutée le")
    # Taken back: kept, for history to say who and when; it pays nothing.
    removed_by = models.ForeignKey(
        User, models.PROTECT, verbose_name="retirée par", null=True, blank=True, related_name="+"
    )
    removed_at = models.DateTimeField("retirée le", null=True, blank=True)

    class Meta:
        verbose_name = "ligne ajoutée"
        verbose_name_plural = "lignes ajoutées"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(amount=0),
                name="added_line_changes_something",
                violation_error_message="Le montant ajouté ou retiré n’est pas nul.",
            ),
            models.CheckConstraint(
                condition=~Q(reason=""),
                name="added_line_says_why",
                violation_error_message="Donnez la raison de la ligne ajoutée.",
            ),
            models.CheckConstraint(
                condition=Q(removed_by=None, removed_at=None) | Q(removed_by__isnull=False, removed_at__isnull=False),
                name="removal_says_who_and_when",
                violation_error_message="Une ligne retirée dit par qui et quand.",
            ),
        ]

    def __str__(self):
        return f"{self.service_request_id} {self.amount}"
