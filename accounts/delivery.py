"""What people were told: one row a message, a person and a channel. The row is the record, the queue only wakes us."""

from django.db import models
from django.db.models import Q

from accounts.devices import Channel


class Notification(models.Model):
    """One message to one person by one channel.

    `context` holds nothing personal: the text, and the secret if it carries one, are made when it is sent.
    """

    class State(models.TextChoices):
        DUE = "due", "À envoyer"
        SENT = "sent", "Envoyé"
        DELIVERED = "delivered", "Remis"
        UNCERTAIN = "uncertain", "Incertain"
        UNDELIVERED = "undelivered", "Non remis"
        CLOSED = "closed", "Sans objet"

    user = models.ForeignKey("accounts.User", models.CASCADE, verbose_name="destinataire", related_name="notifications")
    channel = models.CharField("moyen", max_length=5, choices=Channel, default=Channel.EMAIL)
    # Only when it is not the account's own: the former number or address, told of its change. Emptied once sent.
    address = models.CharField("adresse", max_length=254, blank=True)
    topic = models.CharField("sujet", max_length=40)
    about = models.CharField("à propos de", max_length=60)
    context = models.JSONField("contexte", default=dict)
    dedupe_key = models.CharField("clé", max_length=120, unique=True)
    state = models.CharField("état", max_length=12, choices=State, default=State.DUE)
    created_at = models.DateTimeField("créée le")
    due_at = models.DateTimeField("à envoyer le")
    sent_at = models.DateTimeField("envoyée le", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField("essais", default=0)
    # Set while a worker holds the row, and just before it calls out: what a killed worker leaves says how far it went.
    claimed_at = models.DateTimeField(null=True, blank=True)
    called_at = models.DateTimeField(null=True, blank=True)
    # What it was about no longer holds: it leaves no more, whatever became of it.
    withdrawn_at = models.DateTimeField("retirée le", null=True, blank=True)
    lost_attempts = models.PositiveSmallIntegerField("essais interrompus", default=0)
    provider_id = models.CharField("numéro chez le fournisseur", max_length=64, blank=True)
    last_error = models.CharField("dernière erreur", max_length=200, blank=True)

    class Meta:
        verbose_name = "notification"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["due", "sent", "delivered", "uncertain", "undelivered", "closed"]),
                name="notification_has_a_known_state",
            ),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="notification_has_a_known_channel"),
            models.CheckConstraint(
                condition=Q(state__in=["sent", "delivered"], sent_at__isnull=False)
                | ~Q(state__in=["sent", "delivered"]),
                name="sent_notification_has_an_instant",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state="due"), name="notification_due"),
            models.Index(
                fields=["about"],
                condition=Q(state__in=["due", "uncertain", "undelivered"]),
                name="notification_due_about",
            ),
            models.Index(fields=["about"], condition=Q(claimed_at__isnull=False), name="notification_in_flight"),
            models.Index(
                fields=["due_at"],
                condition=Q(state="uncertain", channel="sms", called_at__isnull=False),
                name="notification_uncertain",
            ),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(state__in=["uncertain", "undelivered"]),
                name="notification_not_delivered",
            ),
        ]

    def __str__(self):
        return f"Notification {self.pk}"
