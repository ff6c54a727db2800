"""The « Détails de l'achèvement »: what the interpreter reports, every revision of it, and the files attached."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.french import decimal
from accounts.models import User
from requests_app.models import ServiceRequest


class Outcome(models.TextChoices):
    """« Service fourni »: oui, or why not."""

    RENDERED = "rendered", "Le service a été rendu"
    CANCELLED = "cancelled", "Le service a été annulé à la dernière minute"
    PATIENT_ABSENT = "patient_absent", "L’usager ne s’est pas présenté"
    PROFESSIONAL_ABSENT = "professional_absent", "Le (la) professionnel(le) ne s’est pas présenté(e)"
    CLAIM = "claim", "Réclamation après une annulation"


class Completion(models.Model):
    """One report per request. `revision` counts its savings: 0 when a validator asked for one before any (a relay)."""

    service_request = models.OneToOneField(
        ServiceRequest, models.PROTECT, verbose_name="demande", related_name="completion"
    )
    revision = models.PositiveSmallIntegerField("révision", default=0)
    outcome = models.CharField("service fourni", max_length=20, choices=Outcome)
    told_at = models.DateTimeField("annulation apprise le", null=True, blank=True)
    actual_starts_at = models.DateTimeField("début réel", null=True, blank=True)
    actual_ends_at = models.DateTimeField("fin réelle", null=True, blank=True)
    waiting_minutes = models.PositiveSmallIntegerField("durée d’attente (minutes)", default=0)
    word_count = models.PositiveIntegerField("mots", null=True, blank=True)
    distance_km = models.DecimalField(
        "distance parcourue (km, aller seulement)", max_digits=7, decimal_places=3, null=True, blank=True
    )
    travel_minutes = models.PositiveSmallIntegerField("durée du trajet (minutes)", default=0)
    parking_amount = models.DecimalField("stationnement ($)", max_digits=7, decimal_places=2, null=True, blank=True)
    comments = models.TextField("commentaires sur la demande", max_length=4000, blank=True)
    filed_by = models.ForeignKey(User, models.PROTECT, verbose_name="remplie par", related_name="+")
    filed_at = models.DateTimeField("remplie le")
    updated_at = models.DateTimeField("modifiée le")
    returned_at = models.DateTimeField("retournée le", null=True, blank=True)
    return_reason = models.TextField("raison du retour", max_length=1000, blank=True)

    class Meta:
        verbose_name = "réalisation"
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="completion_has_a_known_outcome"),
            models.CheckConstraint(
                condition=Q(actual_starts_at=None, actual_ends_at=None) | Q(actual_ends_at__gt=F("actual_starts_at")),
                name="actual_end_follows_start",
                violation_error_message="La fin doit suivre le début.",
            ),
            models.CheckConstraint(
                condition=Q(distance_km=None) | Q(distance_km__gte=0),
                name="distance_is_not_negative",
                violation_error_message="La distance ne peut pas être négative.",
            ),
            models.CheckConstraint(
                condition=Q(parking_amount=None) | Q(parking_amount__gte=0),
                name="parking_is_not_negative",
                violation_error_message="Le montant ne peut pas être négatif.",
            ),
        ]

    def __str__(self):
        return f"Réalisation de la demande {self.service_request_id}"

    @property
    def is_rendered(self):
        return self.outcome == Outcome.RENDERED


class CompletionRevision(models.Model):
    """What a completion said at each saving, with its communications: the validator sees the difference.

    `key` makes a submission sent twice the same one, and `digest` of what was sent tells it from another. Append-only.
    """

    completion = models.ForeignKey(Completion, models.PROTECT, related_name="revisions")
    number = models.PositiveSmallIntegerField("numéro")
    key = models.UUIDField("clé d’envoi", default=uuid.uuid4, unique=True)
    digest = models.CharField("empreinte de l’envoi", max_length=64)
    by = models.ForeignKey(User, models.PROTECT, verbose_name="par", related_name="+")
    at = models.DateTimeField("le")
    data = models.JSONField("contenu")

    class Meta:
        verbose_name = "révision"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["completion", "number"], name="revision_number_is_unique")]

    def __str__(self):
        return f"{self.completion_id} rév. {self.number}"


class AttachmentQuerySet(models.QuerySet):
    def current(self):
        """Those of whoever holds the request now."""
        return self.filter(interpreter=F("service_request__interpreter"))


class Attachment(models.Model):
    """A « pièce jointe »: an image already re-encoded, or a PDF; served by the authorised view alone.

    It belongs to the `interpreter` of that time: whoever takes the request over neither sees it nor is paid for it.
    """

    class Kind(models.TextChoices):
        PARKING_RECEIPT = "parking_receipt", "Facture de stationnement"
        OTHER = "other", "Autre pièce"

    service_request = models.ForeignKey(
        ServiceRequest, models.PROTECT, verbose_name="demande", related_name="attachments"
    )
    interpreter = models.ForeignKey(User, models.PROTECT, verbose_name="interprète", related_name="attachments")
    kind = models.CharField("nature", max_length=20, choices=Kind)
    file = models.FileField("fichier", upload_to="pieces", max_length=100)
    # Of an image only; drawn again from the pixels that are kept, so it says no more than they do.
    thumbnail = models.FileField("vignette", upload_to="pieces", max_length=100, blank=True)
    name = models.CharField("nom", max_length=120)
    content_type = models.CharField("type", max_length=40)
    size = models.PositiveIntegerField("taille (octets)")
    sha256 = models.CharField("empreinte", max_length=64)
    uploaded_by = models.ForeignKey(User, models.PROTECT, verbose_name="ajoutée par", related_name="+")
    uploaded_at = models.DateTimeField("ajoutée le")

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = "pièce jointe"
        verbose_name_plural = "pièces jointes"
        ordering = ["id"]
        indexes = [models.Index(fields=["sha256"], name="attachment_by_hash")]

    def __str__(self):
        return self.name

    @property
    def is_image(self):
        return self.content_type.startswith("image/")

    @property
    def weight(self):
        """« 185 Ko », « 1,2 Mo »."""
        kilobytes = -(-self.size // 1000)
        return f"{kilobytes}\u00a0Ko" if kilobytes < 1000 else f"{decimal(Decimal(kilobytes) / 1000, 1)}\u00a0Mo"


class Signature(models.Model):
    """Who signed a report: a name typed and confirmed, or a drawing (ruling 7: not required, still possible)."""

    class Signer(models.TextChoices):
        INTERPRETER = "interpreter", "Interprète"
        PROFESSIONAL = "professional", "Professionnel(le)"

    completion = models.ForeignKey(Completion, models.PROTECT, verbose_name="réalisation", related_name="signatures")
    signer = models.CharField("signataire", max_length=20, choices=Signer)
    name = models.CharField("nom", max_length=120)
    drawing = models.FileField("signature dessinée", upload_to="signatures", max_length=100, blank=True)
    # What was signed: a correction made after it was not.
    revision = models.PositiveSmallIntegerField("révision signée")
    by = models.ForeignKey(User, models.PROTECT, verbose_name="recueillie par", related_name="+")
    at = models.DateTimeField("signée le")

    class Meta:
        verbose_name = "signature"
        ordering = ["signer"]
        constraints = [
            models.UniqueConstraint(fields=["completion", "signer"], name="one_signature_a_signer"),
            models.CheckConstraint(condition=~Q(name=""), name="signature_has_a_name"),
        ]

    def __str__(self):
        return f"{self.get_signer_display()}, {self.completion_id}"


class Review(ServiceRequest):
    """A request as the validators' admin lists it: what awaits validation."""

    class Meta:
        proxy = True
        verbose_name = "réalisation à valider"
        verbose_name_plural = "réalisations à valider"
