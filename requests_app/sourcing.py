"""What finding an interpreter rests on: what each takes on, where they are not sent, and offers sent in waves."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from accounts.models import Institution, User
from requests_app.workflow import ServiceType

# Without a practice of their own, an interpreter goes this far by road, one way.
REACH_KM = 50
# An offer that leaves less than that is hardly read in time: no wave leaves then, and who let it pass was not silent.
MINUTES_TO_ANSWER = 15


class Practice(models.Model):
    """« Services et territoire »: what an interpreter takes on, as the BI knows it.

    Without one: every service, in the region of the home institution or within REACH_KM.
    """

    interpreter = models.OneToOneField(User, models.CASCADE, verbose_name="interprète", related_name="practice")
    service_types = ArrayField(models.CharField(max_length=15, choices=ServiceType), verbose_name="services")
    # Codes of regions where they go besides that of their home institution, however far.
    regions = ArrayField(models.CharField(max_length=2), verbose_name="autres régions", default=list, blank=True)
    reach_km = models.PositiveSmallIntegerField(
        "rayon (km)", default=REACH_KM, validators=[MinValueValidator(1), MaxValueValidator(2000)]
    )

    class Meta:
        verbose_name = "services et territoire"
        verbose_name_plural = "services et territoires"
        constraints = [
            models.CheckConstraint(
                condition=Q(reach_km__range=(1, 2000)),
                name="reach_is_plausible",
                violation_error_message="Le rayon est de 1 à 2000\u00a0km.",
            ),
            models.CheckConstraint(
                condition=Q(service_types__len__gte=1),
                name="practice_has_a_service",
                violation_error_message="Choisissez au moins un service.",
            ),
        ]

    def __str__(self):
        return f"{self.interpreter_id} {self.service_types}"


class Exclusion(models.Model):
    """An interpreter whom an institution is not sent, for a reason, up to a day (included); it may be lifted before."""

    interpreter = models.ForeignKey(User, models.PROTECT, verbose_name="interprète", related_name="exclusions")
    institution = models.ForeignKey(Institution, models.PROTECT, verbose_name="établissement", related_name="+")
    reason = models.CharField("raison", max_length=300)
    ends_on = models.DateField("jusqu’au")
    by = models.ForeignKey(User, models.PROTECT, verbose_name="par", related_name="+")
    at = models.DateTimeField("depuis le")
    lifted_by = models.ForeignKey(
        User, models.PROTECT, verbose_name="levée par", null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField("levée le", null=True, blank=True)
    lifted_reason = models.CharField("raison de la levée", max_length=300, blank=True)

    class Meta:
        verbose_name = "exclusion"
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(reason=""), name="exclusion_has_a_reason", violation_error_message="Indiquez la raison."
            ),
            models.CheckConstraint(
                condition=Q(lifted_by=None, lifted_at=None, lifted_reason="")
                | Q(lifted_by__isnull=False, lifted_at__isnull=False) & ~Q(lifted_reason=""),
                name="lifting_is_whole",
                violation_error_message="Une exclusion est levée par quelqu’un, un jour, pour une raison.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["interpreter", "institution", "ends_on"],
                condition=Q(lifted_at=None),
                name="exclusion_in_force",
            )
        ]

    def __str__(self):
        return f"{self.interpreter_id} {self.institution_id}"


class WavePlan(models.Model):
    """« Envoi par vagues »: the worker offers a request to `size` people every `every_minutes`, in the ranking's order.

    Until somebody has it, nobody is left, `answer_by` has passed, or a coordinator stops it.
    """

    class End(models.TextChoices):
        TAKEN = "taken", "La demande a quelqu’un."
        NOBODY_LEFT = "nobody_left", "Il ne reste personne à qui l’offrir."
        TOO_LATE = "too_late", "Il ne restait plus assez de temps pour répondre."
        STOPPED = "stopped", "La coordination a arrêté les vagues."
        CLOSED = "closed", "La demande a été annulée."

    service_request = models.ForeignKey("requests_app.ServiceRequest", models.PROTECT, related_name="wave_plans")
    size = models.PositiveSmallIntegerField("personnes par vague")
    every_minutes = models.PositiveSmallIntegerField("minutes entre deux vagues")
    answer_by = models.DateTimeField("réponse attendue avant")
    by = models.ForeignKey(User, models.PROTECT, verbose_name="par", related_name="+")
    at = models.DateTimeField("commencé le")
    next_at = models.DateTimeField("prochaine vague")
    sent = models.PositiveSmallIntegerField("vagues envoyées", default=0)
    ended_at = models.DateTimeField("terminé le", null=True, blank=True)
    # Whoever stopped it; nobody when it ended by itself.
    ended_by = models.ForeignKey(
        User, models.PROTECT, verbose_name="arrêté par", null=True, blank=True, related_name="+"
    )
    end = models.CharField("fin", max_length=12, choices=End, blank=True)

    class Meta:
        verbose_name = "envoi par vagues"
        verbose_name_plural = "envois par vagues"
        constraints = [
            models.UniqueConstraint(
                fields=["service_request"],
                condition=Q(ended_at=None),
                name="one_wave_plan_at_a_time",
                violation_error_message="Un envoi par vagues est déjà en cours pour cette demande.",
            ),
            models.CheckConstraint(
                condition=Q(size__range=(1, 20)),
                name="wave_size_is_plausible",
                violation_error_message="Une vague est de 1 à 20 personnes.",
            ),
            models.CheckConstraint(
                condition=Q(every_minutes__range=(5, 1440)),
                name="wave_pace_is_plausible",
                violation_error_message="Les vagues se suivent de 5 minutes à 24 heures.",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, end="") | Q(ended_at__isnull=False) & ~Q(end=""),
                name="ended_waves_say_why",
            ),
            models.CheckConstraint(
                condition=Q(answer_by__gt=F("at")),
                name="waves_leave_time_to_answer",
                violation_error_message="Le délai de réponse doit être dans le futur.",
            ),
        ]
        indexes = [models.Index(fields=["next_at"], condition=Q(ended_at=None), name="wave_plan_due")]

    def __str__(self):
        return f"{self.service_request_id} {self.size} / {self.every_minutes} min"
