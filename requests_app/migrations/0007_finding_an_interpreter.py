import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_shortcuts_and_sourcing_events"),
        ("requests_app", "0006_messages_so_far_are_read"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Exclusion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=300, verbose_name="raison")),
                ("ends_on", models.DateField(verbose_name="jusqu’au")),
                ("at", models.DateTimeField(verbose_name="depuis le")),
                ("lifted_at", models.DateTimeField(blank=True, null=True, verbose_name="levée le")),
                ("lifted_reason", models.CharField(blank=True, max_length=300, verbose_name="raison de la levée")),
            ],
            options={
                "verbose_name": "exclusion",
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="MessageTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, verbose_name="nom")),
                (
                    "audience",
                    models.CharField(
                        choices=[("interpreter", "Interprète"), ("requester", "Demandeur")],
                        max_length=12,
                        verbose_name="pour",
                    ),
                ),
                ("body", models.TextField(max_length=2000, verbose_name="texte")),
                ("changed_at", models.DateTimeField(verbose_name="modifié le")),
            ],
            options={
                "verbose_name": "modèle de message",
                "verbose_name_plural": "modèles de message",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Practice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "service_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("on_site", "Interprétation en présence"),
                                ("phone", "Interprétation par téléphone"),
                                ("video", "Interprétation par visioconférence"),
                                ("message_relay", "Transmission de message"),
                                ("translation", "Traduction"),
                                ("revision", "Révision"),
                            ],
                            max_length=15,
                        ),
                        size=None,
                        verbose_name="services",
                    ),
                ),
                (
                    "regions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=2),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="autres régions",
                    ),
                ),
                (
                    "reach_km",
                    models.PositiveSmallIntegerField(
                        default=50,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(2000),
                        ],
                        verbose_name="rayon (km)",
                    ),
                ),
            ],
            options={
                "verbose_name": "services et territoire",
                "verbose_name_plural": "services et territoires",
            },
        ),
        migrations.CreateModel(
            name="WavePlan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("size", models.PositiveSmallIntegerField(verbose_name="personnes par vague")),
                ("every_minutes", models.PositiveSmallIntegerField(verbose_name="minutes entre deux vagues")),
                ("answer_by", models.DateTimeField(verbose_name="réponse attendue avant")),
                ("at", models.DateTimeField(verbose_name="commencé le")),
                ("next_at", models.DateTimeField(verbose_name="prochaine vague")),
                ("sent", models.PositiveSmallIntegerField(default=0, verbose_name="vagues envoyées")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="terminé le")),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("taken", "La demande a quelqu’un."),
                            ("nobody_left", "Il ne reste personne à qui l’offrir."),
                            ("too_late", "Il ne restait plus assez de temps pour répondre."),
                            ("stopped", "La coordination a arrêté les vagues."),
                            ("closed", "La demande a été annulée."),
                        ],
                        max_length=12,
                        verbose_name="fin",
                    ),
                ),
            ],
            options={
                "verbose_name": "envoi par vagues",
                "verbose_name_plural": "envois par vagues",
            },
        ),
        migrations.AddField(
            model_name="transition",
            name="choice",
            field=models.JSONField(default=dict, verbose_name="choix"),
        ),
        migrations.AddField(
            model_name="servicerequest",
            name="is_rendered",
            field=models.BooleanField(blank=True, null=True, verbose_name="service rendu"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["interpreter", "sent_at"], name="offer_of_interpreter"),
        ),
        migrations.AddIndex(
            model_name="servicerequest",
            index=models.Index(fields=["language", "status", "starts_at", "id"], name="request_list_of_language"),
        ),
        migrations.AddIndex(
            model_name="servicerequest",
            index=models.Index(fields=["requested_by", "status", "starts_at", "id"], name="request_list_of_requester"),
        ),
        migrations.AddIndex(
            model_name="servicerequest",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ["reserved", "modified", "provided"]),
                    ("service_type__in", ["on_site", "phone", "video"]),
                ),
                fields=["interpreter", "starts_at"],
                include=("ends_at",),
                name="booking_of_interpreter",
            ),
        ),
        migrations.AddIndex(
            model_name="servicerequest",
            index=models.Index(
                condition=models.Q(("is_rendered", True)),
                fields=["interpreter", "institution"],
                name="service_of_interpreter",
            ),
        ),
        migrations.AddField(
            model_name="exclusion",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="par",
            ),
        ),
        migrations.AddField(
            model_name="exclusion",
            name="institution",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.institution",
                verbose_name="établissement",
            ),
        ),
        migrations.AddField(
            model_name="exclusion",
            name="interpreter",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="exclusions",
                to=settings.AUTH_USER_MODEL,
                verbose_name="interprète",
            ),
        ),
        migrations.AddField(
            model_name="exclusion",
            name="lifted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="levée par",
            ),
        ),
        migrations.AddField(
            model_name="messagetemplate",
            name="changed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="modifié par",
            ),
        ),
        migrations.AddField(
            model_name="practice",
            name="interpreter",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="practice",
                to=settings.AUTH_USER_MODEL,
                verbose_name="interprète",
            ),
        ),
        migrations.AddField(
            model_name="waveplan",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="par",
            ),
        ),
        migrations.AddField(
            model_name="waveplan",
            name="ended_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="arrêté par",
            ),
        ),
        migrations.AddField(
            model_name="waveplan",
            name="service_request",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="wave_plans", to="requests_app.servicerequest"
            ),
        ),
        migrations.AddIndex(
            model_name="exclusion",
            index=models.Index(
                condition=models.Q(("lifted_at", None)),
                fields=["interpreter", "institution", "ends_on"],
                name="exclusion_in_force",
            ),
        ),
        migrations.AddConstraint(
            model_name="exclusion",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True),
                name="exclusion_has_a_reason",
                violation_error_message="Indiquez la raison.",
            ),
        ),
        migrations.AddConstraint(
            model_name="exclusion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("lifted_at", None), ("lifted_by", None), ("lifted_reason", "")),
                    models.Q(
                        ("lifted_at__isnull", False),
                        ("lifted_by__isnull", False),
                        models.Q(("lifted_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="lifting_is_whole",
                violation_error_message="Une exclusion est levée par quelqu’un, un jour, pour une raison.",
            ),
        ),
        migrations.AddConstraint(
            model_name="messagetemplate",
            constraint=models.UniqueConstraint(
                fields=("audience", "name"),
                name="template_name_is_unique_for_its_audience",
                violation_error_message="Un modèle a déjà ce nom.",
            ),
        ),
        migrations.AddConstraint(
            model_name="messagetemplate",
            constraint=models.CheckConstraint(
                condition=models.Q(("audience__in", ["interpreter", "requester"])), name="template_has_a_known_audience"
            ),
        ),
        migrations.AddConstraint(
            model_name="practice",
            constraint=models.CheckConstraint(
                condition=models.Q(("reach_km__range", (1, 2000))),
                name="reach_is_plausible",
                violation_error_message="Le rayon est de 1 à 2000\u00a0km.",
            ),
        ),
        migrations.AddConstraint(
            model_name="practice",
            constraint=models.CheckConstraint(
                condition=models.Q(("service_types__len__gte", 1)),
                name="practice_has_a_service",
                violation_error_message="Choisissez au moins un service.",
            ),
        ),
        migrations.AddIndex(
            model_name="waveplan",
            index=models.Index(condition=models.Q(("ended_at", None)), fields=["next_at"], name="wave_plan_due"),
        ),
        migrations.AddConstraint(
            model_name="waveplan",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("service_request",),
                name="one_wave_plan_at_a_time",
                violation_error_message="Un envoi par vagues est déjà en cours pour cette demande.",
            ),
        ),
        migrations.AddConstraint(
            model_name="waveplan",
            constraint=models.CheckConstraint(
                condition=models.Q(("size__range", (1, 20))),
                name="wave_size_is_plausible",
                violation_error_message="Une vague est de 1 à 20 personnes.",
            ),
        ),
        migrations.AddConstraint(
            model_name="waveplan",
            constraint=models.CheckConstraint(
                condition=models.Q(("every_minutes__range", (5, 1440))),
                name="wave_pace_is_plausible",
                violation_error_message="Les vagues se suivent de 5 minutes à 24 heures.",
            ),
        ),
        migrations.AddConstraint(
            model_name="waveplan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("end", ""), ("ended_at", None)),
                    models.Q(("ended_at__isnull", False), models.Q(("end", ""), _negated=True)),
                    _connector="OR",
                ),
                name="ended_waves_say_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="waveplan",
            constraint=models.CheckConstraint(
                condition=models.Q(("answer_by__gt", models.F("at"))),
                name="waves_leave_time_to_answer",
                violation_error_message="Le délai de réponse doit être dans le futur.",
            ),
        ),
    ]
