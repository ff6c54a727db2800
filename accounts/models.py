"""People with one role each, and the record of what happened to their accounts."""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts import phones
from accounts.delivery import Notification
from accounts.devices import CodeDevice, RecoveryCode, RecoveryDevice, SecondFactor, Session, TrustedBrowser
from accounts.directory import HealthRegion, Institution, InterpreterLanguage, InterpreterProfile, Language
from accounts.roles import ADMIN_ROLES, STAFF_ROLES, Role

__all__ = [
    "AccountEvent",
    "CodeDevice",
    "HealthRegion",
    "Institution",
    "InterpreterLanguage",
    "InterpreterProfile",
    "Language",
    "Notification",
    "RecoveryCode",
    "RecoveryDevice",
    "Session",
    "Throttle",
    "TrustedBrowser",
    "User",
]


class UserManager(BaseUserManager):
    def create_user(self, username, *, password=None, **fields):
        user = self.model(username=username.lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, username, *, password=None, mobile_phone, **fields):
        """The first administrator (`manage.py createsuperuser`): whoever holds the machine invites the others."""
        return self.create_user(
            username, password=password, mobile_phone=phones.parse(mobile_phone), role=Role.ADMINISTRATOR, **fields
        )

    def get_by_natural_key(self, username):
        return self.get(username=username.strip().lower())

    def system(self):
        """The real user that scheduled jobs act as, so that history never has an empty author."""
        return self.get(role=Role.SYSTEM)


class User(AbstractBaseUser):
    """An account. What it may do follows from `role` alone (requests_app/workflow.py, RoleAdmin)."""

    username = models.CharField(
        "identifiant", max_length=60, unique=True, error_messages={"unique": "Un compte a déjà cet identifiant."}
    )
    first_name = models.CharField("prénom", max_length=60)
    last_name = models.CharField("nom", max_length=60)
    email = models.EmailField("courriel", blank=True)
    mobile_phone = models.CharField("cellulaire", max_length=12, blank=True, help_text="Un numéro du Canada.")
    role = models.CharField("rôle", max_length=15, choices=Role)
    institution = models.ForeignKey(
        Institution, models.PROTECT, verbose_name="établissement", null=True, blank=True, related_name="requesters"
    )
    sms_disabled = models.BooleanField("Désactiver les notifications par message texte", default=False)
    email_disabled = models.BooleanField("Désactiver les notifications par courriel", default=False)
    # Single keys on the coordinators' board (WCAG 2.1.4): off until a person asks for them.
    uses_shortcuts = models.BooleanField("Raccourcis clavier", default=False)
    # « STOP » answered to one of our messages: the box above is ticked, and only « START » undoes it.
    sms_stopped_at = models.DateTimeField("STOP reçu le", null=True, blank=True)
    second_factor = models.CharField("code de vérification", max_length=5, choices=SecondFactor, blank=True)
    # Until then the password is the one the system drew, and only opens the page that replaces it (ruling 10).
    temporary_until = models.DateTimeField("mot de passe temporaire jusqu’au", null=True, blank=True)
    # The password was reset from the mailbox: the mailbox alone must not be enough to come in (ruling 8).
    reset_at = models.DateTimeField("réinitialisé le", null=True, blank=True)
    invited_again_at = models.DateTimeField("nouvelle invitation à se protéger", null=True, blank=True)
    is_active = models.BooleanField("actif", default=True)
    created_at = models.DateTimeField("créé le", auto_now_add=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["first_name", "last_name", "email", "mobile_phone"]
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
            models.CheckConstraint(
                condition=Q(mobile_phone="") | Q(mobile_phone__regex=r"^\+1[2-9][0-9]{9}$"),
                name="mobile_phone_is_north_american",
                violation_error_message="Le cellulaire s’écrit avec un indicatif du Canada.",
            ),
            models.CheckConstraint(
                condition=Q(second_factor__in=["", *SecondFactor.values]), name="second_factor_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(second_factor=SecondFactor.EMAIL) | ~Q(role__in=sorted(STAFF_ROLES)),
                name="staff_code_is_not_by_email",
                violation_error_message="Le personnel de la BI reçoit ses codes par SMS ou par une application.",
            ),
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

    @property
    def must_verify(self) -> bool:
        """Whether a second factor is asked: always of the BI (ruling 8), of others once they have chosen one."""
        return self.is_bi_staff or self.second_factor != ""

    @property
    def has_temporary_password(self) -> bool:
        return self.temporary_until is not None

    # Django's admin asks these; RoleAdmin decides model by model from the role.
    @property
    def is_staff(self):
        return self.role in ADMIN_ROLES

    def has_perm(self, perm, obj=None):
        return False

    def has_module_perms(self, app_label):
        return self.is_active and self.is_staff


class AccountEvent(models.Model):
    """What happened to an account, and by whom; append-only (a trigger refuses the rest)."""

    class Kind(models.TextChoices):
        CREATED = "created", "Compte créé"
        INVITED = "invited", "Accès envoyé"
        SIGNED_IN = "signed_in", "Connexion"
        REFUSED = "refused", "Connexion refusée"
        PASSWORD_CHANGED = "password_changed", "Mot de passe changé"  # noqa: S105 (a label)
        PASSWORD_RESET = "password_reset", "Mot de passe réinitialisé par courriel"  # noqa: S105
        FACTOR_CHOSEN = "factor_chosen", "Code de vérification activé"
        FACTOR_RESET = "factor_reset", "Code de vérification réinitialisé par la BI"
        RECOVERY_RENEWED = "recovery_renewed", "Codes de récupération renouvelés"
        CONTACT_CHANGED = "contact_changed", "Coordonnées changées"
        SMS_STOPPED = "sms_stopped", "STOP reçu"
        SESSIONS_ENDED = "sessions_ended", "Sessions fermées"
        DEACTIVATED = "deactivated", "Compte désactivé"
        REACTIVATED = "reactivated", "Compte réactivé"
        RESENT = "resent", "Message renvoyé"
        PRACTICE_CHANGED = "practice_changed", "Services et territoire changés"
        EXCLUDED = "excluded", "Exclusion d’un établissement"
        EXCLUSION_LIFTED = "exclusion_lifted", "Exclusion levée"

    user = models.ForeignKey(User, models.PROTECT, verbose_name="compte", related_name="events")
    by = models.ForeignKey(User, models.PROTECT, verbose_name="par", related_name="+")
    at = models.DateTimeField("le")
    kind = models.CharField("quoi", max_length=20, choices=Kind)
    detail = models.CharField("précision", max_length=120, blank=True)

    class Meta:
        verbose_name = "événement de compte"
        verbose_name_plural = "événements de compte"
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["user", "-at"], name="account_event_by_user")]

    def __str__(self):
        return f"{self.get_kind_display()} {self.user_id}"


class Throttle(models.Model):
    """How many times something was tried since a window opened (accounts/throttling.py)."""

    scope = models.CharField(max_length=40)
    subject = models.CharField(max_length=64)
    count = models.PositiveIntegerField()
    resets_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "subject"], name="one_count_a_subject")]
        indexes = [models.Index(fields=["resets_at"], name="throttle_by_end")]

    def __str__(self):
        return f"{self.scope} {self.count}"
