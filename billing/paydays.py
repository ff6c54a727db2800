"""The days that are paid together, what they pay to whom, and what was handed to payroll."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from accounts.french import date_range_words
from accounts.models import User


class PayPeriod(models.Model):
    """A run of days, both included, that is paid together: computed, then published, then exported to payroll.

    Whatever was frozen by its last midnight and is on no other statement belongs to it.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Brouillon"
        PUBLISHED = "published", "Publiée"
        EXPORTED = "exported", "Exportée"

    starts_on = models.DateField("début")
    ends_on = models.DateField("fin")
    state = models.CharField("état", max_length=10, choices=State.choices, default=State.DRAFT)
    computed_by = models.ForeignKey(User, models.PROTECT, verbose_name="calculée par", related_name="+")
    computed_at = models.DateTimeField("calculée le")
    published_by = models.ForeignKey(
        User, models.PROTECT, verbose_name="publiée par", null=True, blank=True, related_name="+"
    )
    published_at = models.DateTimeField("publiée le", null=True, blank=True)

    class Meta:
        verbose_name = "période de paie"
        verbose_name_plural = "périodes de paie"
        ordering = ["-ends_on"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")),
                name="period_has_a_day",
                violation_error_message="La fin d’une période suit son début.",
            ),
            ExclusionConstraint(
                name="periods_never_overlap",
                expressions=[
                    (
                        Func("starts_on", "ends_on", Value("[]"), function="daterange", output_field=DateRangeField()),
                        RangeOperators.OVERLAPS,
                    )
                ],
                violation_error_message="Cette période en recouvre une autre.",
            ),
            models.UniqueConstraint(
                F("state"),
                condition=Q(state="draft"),
                name="one_draft_at_a_time",
                violation_error_message="Une période attend déjà d’être publiée.",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", published_at=None, published_by=None)
                | Q(state__in=["published", "exported"], published_at__isnull=False, published_by__isnull=False),
                name="published_period_says_who_and_when",
                violation_error_message="Une période publiée dit par qui et quand.",
            ),
        ]

    def __str__(self):
        return f"Période du {self.starts_on} au {self.ends_on}"

    @property
    def days(self) -> str:
        """« du 10 novembre 2025 au 23 novembre 2025 »."""
        return date_range_words(self.starts_on, self.ends_on)


class PayStatement(models.Model):
    """« Relevé »: what one interpreter is paid for one period, corrections of former ones included."""

    period = models.ForeignKey(PayPeriod, models.PROTECT, verbose_name="période", related_name="statements")
    interpreter = models.ForeignKey(User, models.PROTECT, verbose_name="interprète", related_name="statements")
    total = models.DecimalField("total", max_digits=14, decimal_places=2)
    line_count = models.PositiveIntegerField("lignes")

    class Meta:
        verbose_name = "relevé"
        verbose_name_plural = "relevés"
        constraints = [
            models.UniqueConstraint(fields=["period", "interpreter"], name="one_statement_a_period"),
        ]
        indexes = [models.Index(fields=["interpreter", "period"], name="statements_of_interpreter")]

    def __str__(self):
        return self.number

    @property
    def number(self) -> str:
        """« R-20261122-17 »: the same however often a draft is computed."""
        return f"R-{self.period.ends_on:%Y%m%d}-{self.interpreter_id}"


class StatementLine(models.Model):
    """Where a pay line is paid: once, and for good when the period is published (a trigger sees to both)."""

    pay_line = models.OneToOneField(
        "PayLine", models.PROTECT, verbose_name="ligne de paie", primary_key=True, related_name="paid_on"
    )
    statement = models.ForeignKey(PayStatement, models.CASCADE, verbose_name="relevé", related_name="lines")

    class Meta:
        verbose_name = "ligne de relevé"
        verbose_name_plural = "lignes de relevé"

    def __str__(self):
        return f"{self.statement_id} {self.pay_line_id}"


class UnpaidLine(models.Model):
    """A pay line that no statement pays yet, so that computing never reads the whole ledger; triggers fill it."""

    pay_line = models.OneToOneField(
        "PayLine", models.PROTECT, verbose_name="ligne de paie", primary_key=True, related_name="unpaid"
    )

    class Meta:
        verbose_name = "ligne à payer"
        verbose_name_plural = "lignes à payer"

    def __str__(self):
        return str(self.pay_line_id)


class PeriodExport(models.Model):
    """What was handed to payroll: the very bytes, so that asking again gives the same file, whatever changed since."""

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "Excel"

    period = models.ForeignKey(PayPeriod, models.PROTECT, verbose_name="période", related_name="exports")
    format = models.CharField("format", max_length=4, choices=Format.choices)
    content = models.BinaryField("contenu")
    sha256 = models.CharField("empreinte SHA-256", max_length=64)
    made_by = models.ForeignKey(User, models.PROTECT, verbose_name="exporté par", related_name="+")
    made_at = models.DateTimeField("exporté le")

    class Meta:
        verbose_name = "export"
        verbose_name_plural = "exports"
        constraints = [
            models.UniqueConstraint(
                fields=["period", "format"],
                name="period_is_exported_once",
                violation_error_message="Cette période est déjà exportée.",
            )
        ]

    def __str__(self):
        return f"{self.period_id} {self.format}"
