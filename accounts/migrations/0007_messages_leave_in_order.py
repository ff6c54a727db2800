from django.db import migrations, models


class Migration(migrations.Migration):
    """What no longer holds is marked, and an index leads to what is leaving."""

    dependencies = [("accounts", "0006_account_history_only_grows")]
    operations = [
        migrations.RemoveIndex(model_name="notification", name="notification_due"),
        migrations.RemoveIndex(model_name="notification", name="notification_due_about"),
        migrations.RemoveIndex(model_name="notification", name="notification_uncertain"),
        migrations.AlterField(
            model_name="user",
            name="username",
            field=models.CharField(
                error_messages={"unique": "Un compte a déjà cet identifiant."},
                max_length=60,
                unique=True,
                verbose_name="identifiant",
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="withdrawn_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="retirée le"),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(condition=models.Q(("state", "due")), fields=["due_at", "id"], name="notification_due"),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state__in", ["due", "uncertain", "undelivered"])),
                fields=["about"],
                name="notification_due_about",
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("claimed_at__isnull", False)), fields=["about"], name="notification_in_flight"
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("called_at__isnull", False), ("channel", "sms"), ("state", "uncertain")),
                fields=["due_at"],
                name="notification_uncertain",
            ),
        ),
    ]
