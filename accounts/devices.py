"""What proves who somebody is besides a password, and the browsers where they proved it.

Devices are django-otp's; only `django_otp.verify_token` may check a code: it locks the row (replay in parallel posts).
"""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django_otp.models import Device, TimestampMixin

CODE_LIFE = timedelta(minutes=5)
TRIES = 5
# Nothing that is mistaken for something else when it is read aloud or copied by hand.
CLEAR_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Channel(models.TextChoices):
    """How a person is reached outside the platform."""

    SMS = "sms", "SMS"
    EMAIL = "email", "courriel"


class SecondFactor(models.TextChoices):
    """How a person proves who they are after the password; an empty choice is « not yet »."""

    SMS = "sms", "SMS"
    EMAIL = "email", "courriel"
    APP = "app", "application d’authentification"


class CodeDevice(TimestampMixin, Device):
    """A number or an address where codes of 6 digits are sent.

    The code itself is drawn by the worker when it sends it: only its HMAC is kept, bound to the attempt that asked.
    """

    channel = models.CharField("moyen", max_length=5, choices=Channel)
    # Empty: the account's own. Filled while the person confirms another one, before it becomes theirs.
    address = models.CharField("adresse", max_length=254, blank=True)
    # What ties a code to the browser that asked for it (ASVS 6.6.2).
    challenge = models.CharField(max_length=64, blank=True)
    code_hash = models.CharField(max_length=64, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = "destination de codes"
        verbose_name_plural = "destinations de codes"
        constraints = [
            models.UniqueConstraint(fields=["user", "channel", "confirmed"], name="one_destination_a_channel"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="destination_has_a_known_channel"),
        ]

    def __str__(self):
        return f"{self.get_channel_display()} {self.pk}"

    @property
    def destination(self) -> str:
        """Where a code would be sent now."""
        own = self.user.mobile_phone if self.channel == Channel.SMS else self.user.email
        return self.address or own

    def ask(self, challenge: str) -> None:
        """Await a new code for an attempt; whatever was sent before is dead."""
        self._keep(challenge=challenge, code_hash="", valid_until=None, tries=0)

    def draw(self) -> str:
        """A new code of 6 digits, to be sent at once; only its HMAC is stored."""
        code = f"{secrets.randbelow(10**6):06}"
        until = timezone.now() + CODE_LIFE
        self._keep(code_hash=self._hash(self.challenge, code), valid_until=until, tries=0)
        return code

    def verify_token(self, token: str) -> bool:
        """« challenge:code », good once; the fifth wrong one kills it."""
        challenge, _, code = token.partition(":")
        is_alive = bool(self.code_hash) and self.tries < TRIES and timezone.now() < self.valid_until
        if is_alive and constant_time_compare(self._hash(challenge, code), self.code_hash):
            self._keep(last_used_at=timezone.now())
            self.ask("")
            return True
        if self.code_hash:
            self._keep(tries=self.tries + 1)
        return False

    def _keep(self, **values) -> None:
        """Not save(): a row that was removed meanwhile must not come back."""
        for name, value in values.items():
            setattr(self, name, value)
        CodeDevice.objects.filter(pk=self.pk).update(**values)

    def _hash(self, challenge: str, code: str) -> str:
        return salted_hmac("accounts.code", f"{self.pk}:{challenge}:{code}", algorithm="sha256").hexdigest()


class RecoveryDevice(TimestampMixin, Device):
    """The ten recovery codes of an account, each good once."""

    class Meta:
        verbose_name = "codes de récupération"
        verbose_name_plural = "codes de récupération"
        constraints = [models.UniqueConstraint(fields=["user"], name="one_set_of_recovery_codes")]

    def __str__(self):
        return f"codes de récupération {self.pk}"

    def renew(self, number: int = 10) -> list[str]:
        """New codes, shown once: « xxxx-xxxx-xxxx », 60 bits each; the former ones are dead."""
        drawn = ["".join(secrets.choice(CLEAR_LETTERS) for _ in range(12)) for _ in range(number)]
        self.codes.all().delete()
        RecoveryCode.objects.bulk_create(RecoveryCode(device=self, code_hash=self._hash(code)) for code in drawn)
        return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in drawn]

    def verify_token(self, token: str) -> bool:
        """A code, typed with or without dashes and capitals; it is then gone."""
        code = "".join(letter for letter in token.lower() if letter.isalnum())
        if not self.codes.filter(code_hash=self._hash(code)).delete()[0]:
            return False
        self.set_last_used_timestamp()
        return True

    def _hash(self, code: str) -> str:
        # Drawn at random, so a plain digest is enough; and it outlives a change of SECRET_KEY.
        return hashlib.sha256(f"{self.pk}:{code}".encode()).hexdigest()


class RecoveryCode(models.Model):
    device = models.ForeignKey(RecoveryDevice, models.CASCADE, related_name="codes")
    code_hash = models.CharField(max_length=64, unique=True)

    def __str__(self):
        return f"code {self.pk}"


class TrustedBrowser(models.Model):
    """« Faire confiance à cet appareil 30 jours » (interpreters only): its cookie stands for the second factor."""

    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="trusted_browsers")
    token_hash = models.CharField(max_length=64, unique=True)
    label = models.CharField("navigateur", max_length=80)
    created_at = models.DateTimeField("depuis")
    last_used_at = models.DateTimeField("dernière connexion")
    expires_at = models.DateTimeField("jusqu’au")

    class Meta:
        verbose_name = "appareil de confiance"
        verbose_name_plural = "appareils de confiance"
        ordering = ["-last_used_at"]

    def __str__(self):
        return self.label


class Session(AbstractBaseSession):
    """A session that knows whose it is, so that all of a person's can be ended at once (accounts/sessions.py)."""

    user = models.ForeignKey("accounts.User", models.CASCADE, null=True, related_name="sessions")
    label = models.CharField("navigateur", max_length=80)
    signed_in_at = models.DateTimeField("connexion", null=True)

    class Meta(AbstractBaseSession.Meta):
        ordering = ["-signed_in_at"]
