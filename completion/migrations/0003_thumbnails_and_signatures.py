"""Thumbnails of attached images, and the signatures that remain possible (ruling 7)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("completion", "0002_revisions_only_grow"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="attachment",
            name="thumbnail",
            field=models.FileField(blank=True, upload_to="pieces", verbose_name="vignette"),
        ),
        migrations.CreateModel(
            name="Signature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "signer",
                    models.CharField(
                        choices=[("interpreter", "Interprète"), ("professional", "Professionnel(le)")],
                        max_length=20,
                        verbose_name="signataire",
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="nom")),
                ("drawing", models.FileField(blank=True, upload_to="signatures", verbose_name="signature dessinée")),
                ("revision", models.PositiveSmallIntegerField(verbose_name="révision signée")),
                ("at", models.DateTimeField(verbose_name="signée le")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recueillie par",
                    ),
                ),
                (
                    "completion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signatures",
                        to="completion.completion",
                        verbose_name="réalisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "signature",
                "ordering": ["signer"],
                "constraints": [
                    models.UniqueConstraint(fields=("completion", "signer"), name="one_signature_a_signer"),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="signature_has_a_name"
                    ),
                ],
            },
        ),
    ]
