import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Ruling 6: a validator may pay a communication that the rule alone does not."""

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("requests_app", "0002_history_only_grows"),
    ]

    operations = [
        migrations.AddField(
            model_name="communication",
            name="accepted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="acceptée par",
            ),
        ),
        migrations.AddField(
            model_name="communication",
            name="accepted_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="acceptée le"),
        ),
        migrations.AddField(
            model_name="communication",
            name="accepted_reason",
            field=models.CharField(blank=True, default="", max_length=300, verbose_name="raison de l’acceptation"),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="communication",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("accepted_at", None),
                    ("accepted_by", None),
                    ("accepted_reason", ""),
                )
                | models.Q(
                    ("accepted_at__isnull", False),
                    ("accepted_by__isnull", False),
                    models.Q(("accepted_reason", ""), _negated=True),
                ),
                name="acceptance_is_whole",
                violation_error_message="Une communication acceptée l’est par quelqu’un, un jour, pour une raison.",
            ),
        ),
    ]
