import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_numbers_in_e164"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="le")),
                (
                    "kind",
                    models.CharField(
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
                        ],
                        max_length=20,
                        verbose_name="quoi",
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=120, verbose_name="précision")),
            ],
            options={
                "verbose_name": "événement de compte",
                "verbose_name_plural": "événements de compte",
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="CodeDevice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The human-readable name of this device.", max_length=64)),
                ("confirmed", models.BooleanField(default=True, help_text="Is this device ready for use?")),
                (
                    "created_at",
                    models.DateTimeField(
                        auto_now_add=True,
                        help_text="The date and time when this device was initially created in the system.",
                        null=True,
                    ),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, help_text="The most recent date and time this device was used.", null=True
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[("sms", "SMS"), ("email", "courriel")], max_length=5, verbose_name="moyen"
                    ),
                ),
                ("address", models.CharField(blank=True, max_length=254, verbose_name="adresse")),
                ("challenge", models.CharField(blank=True, max_length=64)),
                ("code_hash", models.CharField(blank=True, max_length=64)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "verbose_name": "destination de codes",
                "verbose_name_plural": "destinations de codes",
            },
        ),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code_hash", models.CharField(max_length=64, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="RecoveryDevice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The human-readable name of this device.", max_length=64)),
                ("confirmed", models.BooleanField(default=True, help_text="Is this device ready for use?")),
                (
                    "created_at",
                    models.DateTimeField(
                        auto_now_add=True,
                        help_text="The date and time when this device was initially created in the system.",
                        null=True,
                    ),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, help_text="The most recent date and time this device was used.", null=True
                    ),
                ),
            ],
            options={
                "verbose_name": "codes de récupération",
                "verbose_name_plural": "codes de récupération",
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("label", models.CharField(max_length=80, verbose_name="navigateur")),
                ("signed_in_at", models.DateTimeField(null=True, verbose_name="connexion")),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "ordering": ["-signed_in_at"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Throttle",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(max_length=40)),
                ("subject", models.CharField(max_length=64)),
                ("count", models.PositiveIntegerField()),
                ("resets_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="TrustedBrowser",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("label", models.CharField(max_length=80, verbose_name="navigateur")),
                ("created_at", models.DateTimeField(verbose_name="depuis")),
                ("last_used_at", models.DateTimeField(verbose_name="dernière connexion")),
                ("expires_at", models.DateTimeField(verbose_name="jusqu’au")),
            ],
            options={
                "verbose_name": "appareil de confiance",
                "verbose_name_plural": "appareils de confiance",
                "ordering": ["-last_used_at"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="notification",
            name="notification_has_a_known_state",
        ),
        migrations.RemoveConstraint(
            model_name="notification",
            name="sent_notification_has_an_instant",
        ),
        migrations.AddField(
            model_name="notification",
            name="address",
            field=models.CharField(blank=True, max_length=254, verbose_name="adresse"),
        ),
        migrations.AddField(
            model_name="notification",
            name="called_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="notification",
            name="channel",
            field=models.CharField(
                choices=[("sms", "SMS"), ("email", "courriel")], default="email", max_length=5, verbose_name="moyen"
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="claimed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="notification",
            name="lost_attempts",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="essais interrompus"),
        ),
        migrations.AddField(
            model_name="notification",
            name="provider_id",
            field=models.CharField(blank=True, max_length=64, verbose_name="numéro chez le fournisseur"),
        ),
        migrations.AddField(
            model_name="user",
            name="invited_again_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="nouvelle invitation à se protéger"),
        ),
        migrations.AddField(
            model_name="user",
            name="reset_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="réinitialisé le"),
        ),
        migrations.AddField(
            model_name="user",
            name="second_factor",
            field=models.CharField(
                blank=True,
                choices=[("sms", "SMS"), ("email", "courriel"), ("app", "application d’authentification")],
                max_length=5,
                verbose_name="code de vérification",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="sms_stopped_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="STOP reçu le"),
        ),
        migrations.AddField(
            model_name="user",
            name="temporary_until",
            field=models.DateTimeField(blank=True, null=True, verbose_name="mot de passe temporaire jusqu’au"),
        ),
        migrations.AlterField(
            model_name="notification",
            name="state",
            field=models.CharField(
                choices=[
                    ("due", "À envoyer"),
                    ("sent", "Envoyé"),
                    ("delivered", "Remis"),
                    ("uncertain", "Incertain"),
                    ("undelivered", "Non remis"),
                    ("closed", "Sans objet"),
                ],
                default="due",
                max_length=12,
                verbose_name="état",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="mobile_phone",
            field=models.CharField(
                blank=True, help_text="Un numéro du Canada.", max_length=12, verbose_name="cellulaire"
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state", "uncertain")), fields=["due_at"], name="notification_uncertain"
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state__in", ["uncertain", "undelivered"])),
                fields=["-created_at", "-id"],
                name="notification_not_delivered",
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["due", "sent", "delivered", "uncertain", "undelivered", "closed"])),
                name="notification_has_a_known_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.CheckConstraint(
                condition=models.Q(("channel__in", ["sms", "email"])), name="notification_has_a_known_channel"
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("sent_at__isnull", False), ("state__in", ["sent", "delivered"])),
                    models.Q(("state__in", ["sent", "delivered"]), _negated=True),
                    _connector="OR",
                ),
                name="sent_notification_has_an_instant",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("mobile_phone", ""), ("mobile_phone__regex", "^\\+1[2-9][0-9]{9}$"), _connector="OR"
                ),
                name="mobile_phone_is_north_american",
                violation_error_message="Le cellulaire s’écrit avec un indicatif du Canada.",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("second_factor__in", ["", "sms", "email", "app"])), name="second_factor_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("second_factor", "email"), _negated=True),
                    models.Q(("role__in", ["administrator", "coordinator", "validator"]), _negated=True),
                    _connector="OR",
                ),
                name="staff_code_is_not_by_email",
                violation_error_message="Le personnel de la BI reçoit ses codes par SMS ou par une application.",
            ),
        ),
        migrations.AddField(
            model_name="accountevent",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="par",
            ),
        ),
        migrations.AddField(
            model_name="accountevent",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to=settings.AUTH_USER_MODEL,
                verbose_name="compte",
            ),
        ),
        migrations.AddField(
            model_name="codedevice",
            name="user",
            field=models.ForeignKey(
                help_text="The user that this device belongs to.",
                on_delete=django.db.models.deletion.CASCADE,
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="recoverydevice",
            name="user",
            field=models.ForeignKey(
                help_text="The user that this device belongs to.",
                on_delete=django.db.models.deletion.CASCADE,
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="recoverycode",
            name="device",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="codes", to="accounts.recoverydevice"
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="sessions",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="throttle",
            index=models.Index(fields=["resets_at"], name="throttle_by_end"),
        ),
        migrations.AddConstraint(
            model_name="throttle",
            constraint=models.UniqueConstraint(fields=("scope", "subject"), name="one_count_a_subject"),
        ),
        migrations.AddField(
            model_name="trustedbrowser",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="trusted_browsers",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="accountevent",
            index=models.Index(fields=["user", "-at"], name="account_event_by_user"),
        ),
        migrations.AddConstraint(
            model_name="codedevice",
            constraint=models.UniqueConstraint(
                fields=("user", "channel", "confirmed"), name="one_destination_a_channel"
            ),
        ),
        migrations.AddConstraint(
            model_name="codedevice",
            constraint=models.CheckConstraint(
                condition=models.Q(("channel__in", ["sms", "email"])), name="destination_has_a_known_channel"
            ),
        ),
        migrations.AddConstraint(
            model_name="recoverydevice",
            constraint=models.UniqueConstraint(fields=("user",), name="one_set_of_recovery_codes"),
        ),
    ]
