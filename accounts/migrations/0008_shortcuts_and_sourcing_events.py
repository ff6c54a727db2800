from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_messages_leave_in_order"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="uses_shortcuts",
            field=models.BooleanField(default=False, verbose_name="Raccourcis clavier"),
        ),
        migrations.AlterField(
            model_name="accountevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("created", "Compte créé"),
                    ("invited", "Accès envoyé"),
                    ("signed_in", "Connexion"),
                    ("refused", "Connexion refusée"),
                    ("password_changed", "Mot de passe changé"),
                    ("password_reset", "Mot de passe réinitialisé par courriel"),
                    ("factor_chosen", "Code de vérification activé"),
                    ("factor_reset", "Code de vérification réinitialisé par la BI"),
                    ("recovery_renewed", "Codes de récupération renouvelés"),
                    ("contact_changed", "Coordonnées changées"),
                    ("sms_stopped", "STOP reçu"),
                    ("sessions_ended", "Sessions fermées"),
                    ("deactivated", "Compte désactivé"),
                    ("reactivated", "Compte réactivé"),
                    ("resent", "Message renvoyé"),
                    ("practice_changed", "Services et territoire changés"),
                    ("excluded", "Exclusion d’un établissement"),
                    ("exclusion_lifted", "Exclusion levée"),
                ],
                max_length=20,
                verbose_name="quoi",
            ),
        ),
    ]
