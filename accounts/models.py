"""People with one role each, and the record of what they were told."""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.directory import HealthRegion, Institution, InterpreterLanguage, InterpreterProfile, Language
from accounts.roles import ADMIN_ROLES, STAFF_ROLES, Role

__all__ = [
    "HealthRegion",
    "Institution",
    "InterpreterLanguage",
    "InterpreterProfile",
    "Language",
    "Notification",
    "User",
]


class UserManager(BaseUserManager):
    def create_user(self, username, *, password=None, **fields):
        user = self.model(username=username.lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username):
        return self.get(username=username.strip().lower())

    def system(self):
        """The real user that scheduled jobs act as, so that history never has an empty author."""
        return self.get(role=Role.SYSTEM)


class User(AbstractBaseUser):
    """An account. What it may do follows from `role` alone (requests_app/workflow.py, RoleAdmin)."""

    username = models.CharField("identifiant", max_length=60, unique=True)
    first_name = models.CharField("prénom", max_length=60)
    last_name = models.CharField("nom", max_length=60)
    email = models.EmailField("courriel", blank=True)
    mobile_phone = models.CharField("cellulaire", max_length=20, blank=True)
    role = models.CharField("rôle", max_length=15, choices=Role)
    institution = models.ForeignKey(
        Institution, models.PROTECT, verbose_name="établissement", null=True, blank=True, related_name="requesters"
    )
    sms_disabled = models.BooleanField("Désactiver les notifications par message texte", default=False)
    email_disabled = models.BooleanField("Désactiver les notifications par courriel", default=False)
    is_active = models.BooleanField("actif", default=True)
    created_at = models.DateTimeField("créé le", auto_now_add=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["first_name", "last_name", "role"]
    objects = UserManager()

    class Meta:
        verbose_name = "compte"
        ordering = ["last_name", "first_name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="user_has_a_known_role", violation_error_message="Rôle inconnu."
            ),
            models.CheckConstraint(
                condition=Q(username=Lower("username")),
                name="username_is_lower_case",
                violation_error_message="L’identifiant s’écrit en minuscules.",
            ),
            models.CheckConstraint(
                condition=Q(role=Role.REQUESTER, institution__isnull=False) | ~Q(role=Role.REQUESTER),
                name="requester_has_an_institution",
                violation_error_message="Un demandeur appartient à un établissement.",
            ),
            models.UniqueConstraint(fields=["role"], condition=Q(role=Role.SYSTEM), name="one_system_user"),
        ]
        indexes = [models.Index(fields=["role", "last_name", "first_name"], name="user_by_role_and_name")]

    def __str__(self):
        return self.get_full_name()

    def get_full_name(self):
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self):
        return self.first_name

    @property
    def is_bi_staff(self):
        return self.role in STAFF_ROLES

    # Django's admin asks these; RoleAdmin decides model by model from the role.
    @property
    def is_staff(self):
        return self.role in ADMIN_ROLES

    def has_perm(self, perm, obj=None):
        return False

    def has_module_perms(self, app_label):
        return self.is_active and self.is_staff


class Notification(models.Model):
    """One message to one person by one channel. The row is the record; the queue only wakes the worker.

    `context` holds nothing personal: the text is rendered when it is sent.
    """

    class State(models.TextChoices):
        DUE = "due", "À envoyer"
        SENT = "sent", "Envoyé"
        UNDELIVERED = "undelivered", "Non remis"
        CLOSED = "closed", "Sans objet"

    user = models.ForeignKey(User, models.CASCADE, verbose_name="destinataire", related_name="notifications")
    topic = models.CharField("sujet", max_length=40)
    about = models.CharField("à propos de", max_length=60)
    context = models.JSONField("contexte", default=dict)
    dedupe_key = models.CharField("clé", max_length=120, unique=True)
    state = models.CharField("état", max_length=12, choices=State, default=State.DUE)
    created_at = models.DateTimeField("créée le")
    due_at = models.DateTimeField("à envoyer le")
    sent_at = models.DateTimeField("envoyée le", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField("essais", default=0)
    last_error = models.CharField("dernière erreur", max_length=200, blank=True)

    class Meta:
        verbose_name = "notification"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["due", "sent", "undelivered", "closed"]), name="notification_has_a_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False) | ~Q(state="sent"),
                name="sent_notification_has_an_instant",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="due"), name="notification_due"),
            models.Index(fields=["about"], condition=Q(state="due"), name="notification_due_about"),
        ]

    def __str__(self):
        return f"{self.topic} → {self.user_id}"
