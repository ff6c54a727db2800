"""Lines that a validator adds to the pay of a request, before Achevé."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_ledger_only_grows"),
        ("requests_app", "0008_services_rendered_so_far"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AddedLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=9, verbose_name="montant ($)")),
                ("reason", models.CharField(max_length=250, verbose_name="raison")),
                ("added_at", models.DateTimeField(verbose_name="ajoutée le")),
                ("removed_at", models.DateTimeField(blank=True, null=True, verbose_name="retirée le")),
            ],
            options={
                "verbose_name": "ligne ajoutée",
                "verbose_name_plural": "lignes ajoutées",
                "ordering": ["id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="payline",
            name="pay_line_has_a_known_kind",
        ),
        migrations.RemoveConstraint(
            model_name="payline",
            name="only_a_reversal_is_negative",
        ),
        migrations.AlterField(
            model_name="payline",
            name="kind",
            field=models.CharField(
                choices=[
                    ("service", "Durée de présence"),
                    ("late_cancellation", "Annulation à moins de 2 jours ouvrables (48 h)"),
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
        migrations.AddConstraint(
            model_name="payline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "service",
                            "late_cancellation",
                            "communications",
                            "mileage",
                            "parking",
                            "travel",
                            "words",
                            "adjustment",
                        ],
                    )
                ),
                name="pay_line_has_a_known_kind",
                violation_error_message="Nature de ligne inconnue.",
            ),
        ),
        migrations.AddConstraint(
            model_name="payline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount__gte", 0), ("reverses", None)),
                    models.Q(("amount__lte", 0), ("reverses__isnull", False)),
                    ("kind", "adjustment"),
                    _connector="OR",
                ),
                name="only_a_reversal_is_negative",
                violation_error_message="Seule l’annulation d’une ligne, ou une ligne ajoutée par la BI, est négative.",
            ),
        ),
        migrations.AddField(
            model_name="addedline",
            name="added_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="ajoutée par",
            ),
        ),
        migrations.AddField(
            model_name="addedline",
            name="removed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="retirée par",
            ),
        ),
        migrations.AddField(
            model_name="addedline",
            name="interpreter",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="interprète",
            ),
        ),
        migrations.AddField(
            model_name="addedline",
            name="service_request",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="added_lines",
                to="requests_app.servicerequest",
                verbose_name="demande",
            ),
        ),
        migrations.AddConstraint(
            model_name="addedline",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True),
                name="added_line_changes_something",
                violation_error_message="Le montant ajouté ou retiré n’est pas nul.",
            ),
        ),
        migrations.AddConstraint(
            model_name="addedline",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True),
                name="added_line_says_why",
                violation_error_message="Donnez la raison de la ligne ajoutée.",
            ),
        ),
        migrations.AddConstraint(
            model_name="addedline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("removed_at", None), ("removed_by", None)),
                    models.Q(("removed_at__isnull", False), ("removed_by__isnull", False)),
                    _connector="OR",
                ),
                name="removal_says_who_and_when",
                violation_error_message="Une ligne retirée dit par qui et quand.",
            ),
        ),
    ]
