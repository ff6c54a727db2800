"""What people write on a request: the communications an interpreter made, the messages of its threads."""

from django.db import models
from django.db.models import Q

from accounts.models import User
from accounts.roles import Role


class Purpose(models.TextChoices):
    """Why one communicated (FAQ, « Objectif de la communication »)."""

    CONFIRMATION = "confirmation", "Confirmation du rendez-vous"
    MODIFICATION = "modification", "Modification de rendez-vous"
    REMINDER = "reminder", "Rappel du rendez-vous à l’utilisateur"
    EXPLANATION = "explanation", "Explication de procédures/préparations"
    OTHER = "other", "Autre"


class Channel(models.TextChoices):
    PHONE = "phone", "Téléphone"
    TEXT = "text", "Message texte"
    EMAIL = "email", "Courriel"
    OTHER = "other", "Autre"


class Communication(models.Model):
    """One communication outside the service; several exchanges with one purpose are one row (ruling 6)."""

    service_request = models.ForeignKey("requests_app.ServiceRequest", models.PROTECT, related_name="communications")
    interpreter = models.ForeignKey(User, models.PROTECT, verbose_name="interprète", related_name="communications")
    at = models.DateTimeField("date et heure")
    purpose = models.CharField("objectif", max_length=15, choices=Purpose)
    purpose_text = models.CharField("précision", max_length=200, blank=True)
    channel = models.CharField("moyen", max_length=10, choices=Channel, default=Channel.PHONE)
    requested_by_name = models.CharField("demandée par", max_length=120, blank=True)
    justification = models.CharField("justification", max_length=300, blank=True)
    # Ruling 6: a validator pays what the rule alone does not.
    accepted_by = models.ForeignKey(
        User, models.PROTECT, verbose_name="acceptée par", null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField("acceptée le", null=True, blank=True)
    accepted_reason = models.CharField("raison de l’acceptation", max_length=300, blank=True)

    class Meta:
        verbose_name = "communication"
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="communication_has_a_known_purpose"),
            models.CheckConstraint(
                condition=~Q(purpose="other") | ~Q(purpose_text=""),
                name="other_communication_is_explained",
                violation_error_message="Précisez l’objectif de la communication.",
            ),
            models.CheckConstraint(
                condition=Q(accepted_by=None, accepted_at=None, accepted_reason="")
                | Q(accepted_by__isnull=False, accepted_at__isnull=False) & ~Q(accepted_reason=""),
                name="acceptance_is_whole",
                violation_error_message="Une communication acceptée l’est par quelqu’un, un jour, pour une raison.",
            ),
        ]
        indexes = [models.Index(fields=["service_request", "at"], name="communication_of_request")]

    def __str__(self):
        return f"{self.service_request_id} {self.purpose}"

    @property
    def is_accepted(self):
        return self.accepted_at is not None


class MessageQuerySet(models.QuerySet):
    def unread_by(self, user):
        """What the side of `user` has not read: their own thread's, their institution's, or everybody's for the BI."""
        unread = self.filter(read_at=None, is_to_bi=user.is_bi_staff)
        if user.is_bi_staff:
            return unread
        return unread.filter(interpreter=user if user.role == Role.INTERPRETER else None)


class Message(models.Model):
    """A line of a request's thread: with one interpreter, or (`interpreter` empty) with the requester."""

    class Urgency(models.TextChoices):
        NONE = "", "Ordinaire"
        ASKED = "asked", "Désistement urgent demandé"
        GRANTED = "granted", "Désistement urgent accordé"
        DECLINED = "declined", "Désistement urgent refusé"

    service_request = models.ForeignKey("requests_app.ServiceRequest", models.PROTECT, related_name="messages")
    interpreter = models.ForeignKey(
        User, models.PROTECT, verbose_name="interprète", null=True, blank=True, related_name="+"
    )
    author = models.ForeignKey(User, models.PROTECT, verbose_name="de", related_name="+")
    at = models.DateTimeField("le")
    body = models.TextField("message", max_length=4000)
    urgency = models.CharField("urgence", max_length=10, choices=Urgency, blank=True, default="")
    # A thread has two sides, the BI and the other; a message is unread until somebody of its side says so.
    is_to_bi = models.BooleanField("adressé à la BI")
    read_at = models.DateTimeField("lu le", null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = "message"
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["service_request"],
                condition=Q(urgency="asked"),
                name="one_urgent_withdrawal_at_a_time",
                violation_error_message="Un désistement urgent est déjà demandé.",
            )
        ]
        indexes = [
            models.Index(fields=["service_request", "at"], name="message_of_request"),
            models.Index(fields=["service_request", "interpreter"], condition=Q(read_at=None), name="message_not_read"),
        ]

    def __str__(self):
        return f"{self.service_request_id} {self.at}"


class MessageTemplate(models.Model):
    """« Modèle de message »: a text of the BI with variables (`{numero}`, `{date}`…), filled in for one request."""

    class Audience(models.TextChoices):
        INTERPRETER = "interpreter", "Interprète"
        REQUESTER = "requester", "Demandeur"

    name = models.CharField("nom", max_length=80)
    audience = models.CharField("pour", max_length=12, choices=Audience)
    body = models.TextField("texte", max_length=2000)
    changed_by = models.ForeignKey(User, models.PROTECT, verbose_name="modifié par", related_name="+")
    changed_at = models.DateTimeField("modifié le")

    class Meta:
        verbose_name = "modèle de message"
        verbose_name_plural = "modèles de message"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["audience", "name"],
                name="template_name_is_unique_for_its_audience",
                violation_error_message="Un modèle a déjà ce nom.",
            ),
            models.CheckConstraint(
                condition=Q(audience__in=["interpreter", "requester"]), name="template_has_a_known_audience"
            ),
        ]

    def __str__(self):
        return self.name
