"""Pay periods, the statements of each interpreter, and what was handed to payroll."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_tariffs_are_published"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PayPeriod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts_on", models.DateField(verbose_name="début")),
                ("ends_on", models.DateField(verbose_name="fin")),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Brouillon"), ("published", "Publiée"), ("exported", "Exportée")],
                        default="draft",
                        max_length=10,
                        verbose_name="état",
                    ),
                ),
                ("computed_at", models.DateTimeField(verbose_name="calculée le")),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="publiée le")),
            ],
            options={
                "verbose_name": "période de paie",
                "verbose_name_plural": "périodes de paie",
                "ordering": ["-ends_on"],
            },
        ),
        migrations.CreateModel(
            name="PayStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("total", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="total")),
                ("line_count", models.PositiveIntegerField(verbose_name="lignes")),
            ],
            options={
                "verbose_name": "relevé",
                "verbose_name_plural": "relevés",
            },
        ),
        migrations.CreateModel(
            name="PeriodExport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "format",
                    models.CharField(choices=[("csv", "CSV"), ("xlsx", "Excel")], max_length=4, verbose_name="format"),
                ),
                ("content", models.BinaryField(verbose_name="contenu")),
                ("sha256", models.CharField(max_length=64, verbose_name="empreinte SHA-256")),
                ("made_at", models.DateTimeField(verbose_name="exporté le")),
            ],
            options={
                "verbose_name": "export",
                "verbose_name_plural": "exports",
            },
        ),
        migrations.CreateModel(
            name="StatementLine",
            fields=[
                (
                    "pay_line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="paid_on",
                        serialize=False,
                        to="billing.payline",
                        verbose_name="ligne de paie",
                    ),
                ),
            ],
            options={
                "verbose_name": "ligne de relevé",
                "verbose_name_plural": "lignes de relevé",
            },
        ),
        migrations.CreateModel(
            name="UnpaidLine",
            fields=[
                (
                    "pay_line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="unpaid",
                        serialize=False,
                        to="billing.payline",
                        verbose_name="ligne de paie",
                    ),
                ),
            ],
            options={
                "verbose_name": "ligne à payer",
                "verbose_name_plural": "lignes à payer",
            },
        ),
        migrations.AddField(
            model_name="payperiod",
            name="computed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="calculée par",
            ),
        ),
        migrations.AddField(
            model_name="payperiod",
            name="published_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="publiée par",
            ),
        ),
        migrations.AddField(
            model_name="paystatement",
            name="interpreter",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="statements",
                to=settings.AUTH_USER_MODEL,
                verbose_name="interprète",
            ),
        ),
        migrations.AddField(
            model_name="paystatement",
            name="period",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="statements",
                to="billing.payperiod",
                verbose_name="période",
            ),
        ),
        migrations.AddField(
            model_name="periodexport",
            name="made_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="exporté par",
            ),
        ),
        migrations.AddField(
            model_name="periodexport",
            name="period",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="exports",
                to="billing.payperiod",
                verbose_name="période",
            ),
        ),
        migrations.AddField(
            model_name="statementline",
            name="statement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="lines",
                to="billing.paystatement",
                verbose_name="relevé",
            ),
        ),
        migrations.AddConstraint(
            model_name="payperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_on__gte", models.F("starts_on"))),
                name="period_has_a_day",
                violation_error_message="La fin d’une période suit son début.",
            ),
        ),
        migrations.AddConstraint(
            model_name="payperiod",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    (
                        models.Func(
                            "starts_on",
                            "ends_on",
                            models.Value("[]"),
                            function="daterange",
                            output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                        ),
                        "&&",
                    )
                ],
                name="periods_never_overlap",
                violation_error_message="Cette période en recouvre une autre.",
            ),
        ),
        migrations.AddConstraint(
            model_name="payperiod",
            constraint=models.UniqueConstraint(
                models.F("state"),
                condition=models.Q(("state", "draft")),
                name="one_draft_at_a_time",
                violation_error_message="Une période attend déjà d’être publiée.",
            ),
        ),
        migrations.AddConstraint(
            model_name="payperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("published_at", None), ("published_by", None), ("state", "draft")),
                    models.Q(
                        ("published_at__isnull", False),
                        ("published_by__isnull", False),
                        ("state__in", ["published", "exported"]),
                    ),
                    _connector="OR",
                ),
                name="published_period_says_who_and_when",
                violation_error_message="Une période publiée dit par qui et quand.",
            ),
        ),
        migrations.AddIndex(
            model_name="paystatement",
            index=models.Index(fields=["interpreter", "period"], name="statements_of_interpreter"),
        ),
        migrations.AddConstraint(
            model_name="paystatement",
            constraint=models.UniqueConstraint(fields=("period", "interpreter"), name="one_statement_a_period"),
        ),
        migrations.AddConstraint(
            model_name="periodexport",
            constraint=models.UniqueConstraint(
                fields=("period", "format"),
                name="period_is_exported_once",
                violation_error_message="Cette période est déjà exportée.",
            ),
        ),
    ]
