"""A tariff is drafted, then published; a pay line knows the day of its service."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The one time that the ledger is written over: a fact of each request, which no amount comes from.
DATE_THE_LEDGER = """
ALTER TABLE billing_payline DISABLE TRIGGER only_grows;
UPDATE billing_payline SET service_on = (r.starts_at AT TIME ZONE 'America/Toronto')::date
FROM requests_app_servicerequest r WHERE r.id = billing_payline.service_request_id;
ALTER TABLE billing_payline ENABLE TRIGGER only_grows;
"""
PUBLISH_WHAT_PAYS = "UPDATE billing_paypolicy SET state = 'published', published_at = now()"


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0003_lines_added_by_the_bi"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="payline",
            name="pay_of_interpreter",
        ),
        migrations.AddField(
            model_name="payline",
            name="service_on",
            field=models.DateField(null=True, verbose_name="date du service"),
        ),
        migrations.RunSQL(DATE_THE_LEDGER, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="payline",
            name="service_on",
            field=models.DateField(verbose_name="date du service"),
        ),
        migrations.AlterField(
            model_name="payline",
            name="kind",
            field=models.CharField(
                choices=[
                    ("service", "Durée de présence"),
                    ("late_cancellation", "Annulation à moins de 2\u00a0jours ouvrables (48\u00a0h)"),
                    ("communications", "Communications"),
                    ("mileage", "Kilométrage"),
                    ("parking", "Stationnement sur facture"),
                    ("travel", "Temps de déplacement"),
                    ("words", "Paiement au mot"),
                    ("adjustment", "Ligne ajoutée par la BI"),
                ],
                max_length=20,
                verbose_name="nature",
            ),
        ),
        migrations.AddField(
            model_name="paypolicy",
            name="drafted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="préparée par",
            ),
        ),
        migrations.AddField(
            model_name="paypolicy",
            name="published_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="publiée le"),
        ),
        migrations.AddField(
            model_name="paypolicy",
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
            model_name="paypolicy",
            name="state",
            field=models.CharField(
                choices=[("draft", "Brouillon"), ("published", "Publiée"), ("replaced", "Remplacée")],
                default="draft",
                max_length=10,
                verbose_name="état",
            ),
        ),
        migrations.AlterField(
            model_name="paypolicy",
            name="effective_from",
            field=models.DateField(verbose_name="en vigueur le"),
        ),
        migrations.AddIndex(
            model_name="payline",
            index=models.Index(fields=["interpreter", "service_on"], name="pay_of_interpreter"),
        ),
        migrations.AddIndex(
            model_name="payline",
            index=models.Index(fields=["service_on"], include=["service_request", "kind", "amount"], name="pay_by_day"),
        ),
        migrations.RunSQL(PUBLISH_WHAT_PAYS, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="paypolicy",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "published")),
                fields=("effective_from",),
                name="one_published_policy_a_day",
                violation_error_message="Une politique publiée entre déjà en vigueur ce jour-là.",
            ),
        ),
        migrations.AddConstraint(
            model_name="paypolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("published_at", None), ("published_by", None), ("state", "draft")),
                    models.Q(("published_at__isnull", False), ("state__in", ["published", "replaced"])),
                    _connector="OR",
                ),
                name="publication_says_when",
                violation_error_message="Une politique publiée dit quand.",
            ),
        ),
        migrations.AddConstraint(
            model_name="paypolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("drafted_by", None),
                    ("published_by", None),
                    models.Q(("drafted_by", models.F("published_by")), _negated=True),
                    _connector="OR",
                ),
                name="policy_is_published_by_another_person",
                violation_error_message="Qui prépare une politique ne la publie pas.",
            ),
        ),
    ]
