"""The heart's records: a request, its offers, its history; with those of calendars, sourcing and written.

`status` is written by `moves.move` alone; what it may become is in `workflow.STEPS`.
"""

from datetime import UTC, datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.utils import timezone

from accounts.french import date_words
from accounts.models import HealthRegion, Institution, Language, User
from accounts.roles import Role
from requests_app.calendars import Absence, CalendarFeed, WeeklyHours
from requests_app.roads import Route
from requests_app.sourcing import Exclusion, Practice, WavePlan
from requests_app.workflow import ASSIGNED, BOOKED, SPOKEN, UNASSIGNED, Action, ServiceType, Status
from requests_app.written import Channel, Communication, Message, MessageTemplate, Purpose

__all__ = [
    "Absence",
    "CalendarFeed",
    "CancellationReason",
    "Channel",
    "Communication",
    "Exclusion",
    "Facility",
    "Holiday",
    "Message",
    "MessageTemplate",
    "Offer",
    "Practice",
    "Purpose",
    "Route",
    "ServiceRequest",
    "Transition",
    "WavePlan",
    "WeeklyHours",
]


# Said by the constraint, and by what looks ahead of it.
DOUBLE_BOOKED = "L’interprète a déjà une demande à ce moment."


class TsTzRange(Func):
    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Facility(models.Model):
    """An « installation »: where a service takes place."""

    institution = models.ForeignKey(
        Institution, models.PROTECT, verbose_name="établissement", related_name="facilities"
    )
    region = models.ForeignKey(HealthRegion, models.PROTECT, verbose_name="région")
    name = models.CharField("nom", max_length=120)
    address = models.CharField("adresse", max_length=200)
    area = models.CharField("secteur", max_length=80, help_text="Ville ou arrondissement, montré avant l’acceptation.")
    latitude = models.DecimalField("latitude", max_digits=8, decimal_places=5)
    longitude = models.DecimalField("longitude", max_digits=8, decimal_places=5)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        verbose_name = "installation"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "name"],
                name="facility_name_is_unique_in_institution",
                violation_error_message="Cet établissement a déjà une installation de ce nom.",
            )
        ]

    def __str__(self):
        return self.name


class HolidayQuerySet(models.QuerySet):
    def closed_between(self, start, end) -> frozenset:
        """The closed days that a notice from `start` to `end` (aware instants) can meet, as dates."""
        first, last = sorted((timezone.localdate(start), timezone.localdate(end)))
        return frozenset(self.filter(date__range=(first, last)).values_list("date", flat=True))


class Holiday(models.Model):
    """A closed day: it counts for nothing in the 48 h business clock."""

    date = models.DateField("date", primary_key=True)
    name = models.CharField("nom", max_length=80)

    objects = HolidayQuerySet.as_manager()

    class Meta:
        verbose_name = "jour férié"
        verbose_name_plural = "jours fériés"
        ordering = ["date"]

    def __str__(self):
        return f"{self.name}, {date_words(self.date)}"


class CancellationReason(models.TextChoices):
    """Ruling 12; the requester can only give the first."""

    BY_REQUESTER = "by_requester", "Par le demandeur"
    NO_INTERPRETER = "no_interpreter", "Aucun interprète trouvé"
    INTERPRETER_ABSENT = "interpreter_absent", "Interprète absent"
    BI_ERROR = "bi_error", "Erreur de la BI"


_OWED = Q(is_late_cancellation=True, service_type__in=[kind.value for kind in SPOKEN]) & ~Q(
    cancellation_reason=CancellationReason.INTERPRETER_ABSENT.value
)
AWAITING_REVIEW = Q(status=Status.PROVIDED.value) | Q(status=Status.CANCELLED.value, interpreter__isnull=False) & (
    Q(filed_by__isnull=False) | _OWED
)


class ServiceRequestQuerySet(models.QuerySet):
    """Which rows a person may see; which verbs they may use is workflow's business."""

    def assigned_to(self, user):
        return self.filter(interpreter=user)

    def offered_to(self, user, *, at):
        """An offer past its deadline counts as closed even before the job that closes it ran; one is open at most."""
        return self.filter(offers__interpreter=user, offers__state=Offer.State.OPEN, offers__answer_by__gt=at)

    def visible_to(self, user, *, at):
        """The rows of `user` at the instant `at`; for one row by key (lists use the two halves above)."""
        if user.role in {Role.COORDINATOR, Role.VALIDATOR}:
            return self
        if user.role == Role.REQUESTER:
            return self.filter(institution_id=user.institution_id)
        if user.role == Role.INTERPRETER:
            offered = Offer.objects.open_at(at).filter(service_request=OuterRef("pk"), interpreter=user)
            return self.filter(Q(interpreter=user) | Exists(offered))
        return self.none()

    def once_known_to(self, user):
        """Requests an interpreter was offered or held before: they are told, without data, that these are gone."""
        offered = Offer.objects.filter(service_request=OuterRef("pk"), interpreter=user)
        concerned = Transition.objects.filter(service_request=OuterRef("pk"), interpreter=user)
        return self.filter(Exists(offered) | Exists(concerned))

    def with_people(self):
        return self.select_related("institution__region", "facility", "language", "interpreter", "requested_by")

    def awaiting_review(self):
        """What a validator has to look at: services provided, and cancellations with something to pay or to decide."""
        return self.filter(AWAITING_REVIEW)


def _one_of(statuses):
    return Q(status__in=[status.value for status in statuses])


class ServiceRequest(models.Model):
    """A « demande »: one service asked by an institution, at most one interpreter at a time."""

    status = models.CharField("statut", max_length=12, choices=Status)
    # Bumped whenever what the page shows changes: a form carries the version it was opened on.
    version = models.PositiveIntegerField("version", default=1)
    service_type = models.CharField("type de service", max_length=15, choices=ServiceType)
    institution = models.ForeignKey(
        Institution, models.PROTECT, verbose_name="établissement", related_name="service_requests"
    )
    facility = models.ForeignKey(
        Facility, models.PROTECT, verbose_name="installation", null=True, blank=True, related_name="service_requests"
    )
    language = models.ForeignKey(Language, models.PROTECT, verbose_name="langue", related_name="service_requests")
    starts_at = models.DateTimeField("début")
    ends_at = models.DateTimeField("fin")
    professional_name = models.CharField("professionnel(le)", max_length=120, blank=True)
    professional_phone = models.CharField("téléphone du (de la) professionnel(le)", max_length=40, blank=True)
    patient_name = models.CharField("usager", max_length=120, blank=True)
    patient_phone = models.CharField("téléphone de l’usager", max_length=40, blank=True)
    patient_file_number = models.CharField("numéro de dossier", max_length=40, blank=True)
    instructions = models.TextField("consignes", max_length=2000, blank=True)
    are_communications_requested = models.BooleanField("communications demandées", default=False)
    requested_by = models.ForeignKey(User, models.PROTECT, verbose_name="demandé par", related_name="requests_made")
    created_at = models.DateTimeField("créée le")
    interpreter = models.ForeignKey(
        User, models.PROTECT, verbose_name="interprète", null=True, blank=True, related_name="requests_served"
    )
    # Ruling 11: a late shortening pays at least what was booked before it.
    guaranteed_minutes = models.PositiveIntegerField("minutes garanties", default=0)
    # Ruling 3: the request whose communications a message relay carries.
    relayed_from = models.ForeignKey(
        "self", models.PROTECT, verbose_name="transmission de", null=True, blank=True, related_name="relays"
    )
    # Ruling 12: the cancellation's decision, frozen with its inputs.
    cancellation_reason = models.CharField("motif d’annulation", max_length=20, choices=CancellationReason, blank=True)
    notice_received_at = models.DateTimeField("avis reçu le", null=True, blank=True)
    notice_business_time = models.DurationField("préavis ouvrable", null=True, blank=True)
    notice_closed_days = ArrayField(models.DateField(), verbose_name="jours fermés comptés", default=list, blank=True)
    is_late_cancellation = models.BooleanField("annulation tardive", default=False)
    # What the report says: nothing until there is one.
    is_rendered = models.BooleanField("service rendu", null=True, blank=True)
    filed_by = models.ForeignKey(
        User,
        models.PROTECT,
        verbose_name="réalisation remplie par",
        null=True,
        blank=True,
        related_name="requests_filed",
    )
    validated_by = models.ForeignKey(
        User, models.PROTECT, verbose_name="validée par", null=True, blank=True, related_name="requests_validated"
    )
    validated_at = models.DateTimeField("validée le", null=True, blank=True)

    objects = ServiceRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "demande"
        constraints = [
            models.CheckConstraint(
                condition=_one_of(Status), name="request_has_a_known_status", violation_error_message="Statut inconnu."
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")) | Q(service_type=ServiceType.MESSAGE_RELAY),
                name="request_ends_after_it_starts",
                violation_error_message="La fin doit suivre le début.",
            ),
            models.CheckConstraint(
                condition=Q(facility__isnull=False) | ~Q(service_type=ServiceType.ON_SITE),
                name="on_site_request_has_a_facility",
                violation_error_message="Un service en présence a lieu dans une installation.",
            ),
            models.CheckConstraint(
                condition=Q(interpreter__isnull=False) | ~_one_of((*BOOKED, Status.COMPLETED)),
                name="reserved_has_interpreter",
                violation_error_message="Une demande réservée a un interprète.",
            ),
            models.CheckConstraint(
                condition=Q(interpreter__isnull=True) | ~_one_of(UNASSIGNED),
                name="unallocated_has_no_interpreter",
                violation_error_message="Une demande non allouée n’a pas d’interprète.",
            ),
            models.CheckConstraint(
                condition=Q(cancellation_reason="", notice_received_at=None, notice_business_time=None)
                | Q(notice_received_at__isnull=False, notice_business_time__isnull=False) & ~Q(cancellation_reason=""),
                name="cancellation_is_frozen_whole",
                violation_error_message="Une annulation porte son motif, son avis et son préavis.",
            ),
            models.CheckConstraint(
                condition=Q(is_late_cancellation=False) | Q(notice_received_at__isnull=False),
                name="late_cancellation_has_a_notice",
                violation_error_message="Une annulation tardive a un avis.",
            ),
            models.CheckConstraint(
                condition=Q(validated_by__isnull=False, validated_at__isnull=False, status=Status.COMPLETED)
                | Q(validated_by=None, validated_at=None) & ~Q(status=Status.COMPLETED),
                name="completed_has_a_validator",
                violation_error_message="Une demande achevée a été validée.",
            ),
            models.CheckConstraint(
                condition=Q(validated_by=None) | Q(filed_by=None) | ~Q(validated_by=F("filed_by")),
                name="validator_did_not_file",
                violation_error_message="Personne ne valide un dossier qu’il a rempli.",
            ),
            models.CheckConstraint(
                condition=Q(validated_by=None) | ~Q(validated_by=F("interpreter")),
                name="validator_did_not_serve",
                violation_error_message="Personne ne valide son propre service.",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__range=(datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))),
                name="request_date_is_plausible",
                violation_error_message="Cette date n’est pas plausible.",
            ),
            models.CheckConstraint(
                condition=~Q(service_type=ServiceType.MESSAGE_RELAY)
                | Q(patient_name="", patient_phone="", patient_file_number=""),
                name="relay_has_no_patient",
                violation_error_message="Une transmission de message ne nomme pas l’usager.",
            ),
            ExclusionConstraint(
                name="no_double_booking",
                expressions=[
                    (TsTzRange("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                    ("interpreter", RangeOperators.EQUAL),
                ],
                condition=_one_of(BOOKED) & Q(service_type__in=[kind.value for kind in SPOKEN]),
                violation_error_message=DOUBLE_BOOKED,
            ),
        ]
        indexes = [
            models.Index(fields=["interpreter", "status", "-starts_at", "-id"], name="request_list_of_interpreter"),
            models.Index(fields=["status", "starts_at", "id"], name="request_list_of_staff"),
            models.Index(fields=["institution", "status", "starts_at", "id"], name="request_list_of_institution"),
            models.Index(fields=["language", "status", "starts_at", "id"], name="request_list_of_language"),
            models.Index(fields=["requested_by", "status", "starts_at", "id"], name="request_list_of_requester"),
            # Who is booked when: bookings of one interpreter never overlap, so the neighbours of an instant say it all.
            models.Index(
                fields=["interpreter", "starts_at"],
                include=["ends_at"],
                condition=_one_of(BOOKED) & Q(service_type__in=[kind.value for kind in SPOKEN]),
                name="booking_of_interpreter",
            ),
            # How often an interpreter served an institution; what was validated though not rendered served nobody.
            models.Index(
                fields=["interpreter", "institution"],
                condition=Q(is_rendered=True),
                name="service_of_interpreter",
            ),
            # The validators' queue: what `awaiting_review` reads, and nothing of what closed long ago.
            models.Index(fields=["starts_at", "id"], condition=AWAITING_REVIEW, name="request_awaiting_review"),
        ]

    def __str__(self):
        return f"Demande {self.pk}"

    def lock(self):
        """Read the row again and hold it to the end of the transaction: nobody moves the request meanwhile."""
        rows = ServiceRequest.objects.select_for_update(no_key=True, of=("self",))
        self.refresh_from_db(from_queryset=rows)

    @property
    def is_spoken(self):
        return self.service_type in SPOKEN

    @property
    def is_assigned(self):
        return self.status in ASSIGNED

    @property
    def is_due_to_review(self):
        """The Python side of `awaiting_review`, for a row already loaded."""
        owed = self.is_late_cancellation and self.is_spoken
        owed = owed and self.cancellation_reason != CancellationReason.INTERPRETER_ABSENT
        cancelled = self.status == Status.CANCELLED and self.interpreter_id
        return self.status == Status.PROVIDED or bool(cancelled and (self.filed_by_id or owed))

    def has_part(self, user):
        """Whether they filled it in or served it: somebody else validates it, adds to its pay and corrects it."""
        return user.pk in {self.filed_by_id, self.interpreter_id}

    @property
    def booked_minutes(self):
        return int((self.ends_at - self.starts_at).total_seconds() // 60)

    @property
    def place(self):
        """Where it happens, for people who may know it."""
        return str(self.facility or self.institution)


class OfferQuerySet(models.QuerySet):
    def open_at(self, at):
        return self.filter(state=Offer.State.OPEN, answer_by__gt=at)


class Offer(models.Model):
    """A request proposed to one interpreter until a deadline; at most one open at a time for both."""

    class State(models.TextChoices):
        OPEN = "open", "Attend une réponse"
        ACCEPTED = "accepted", "Acceptée"
        REFUSED = "refused", "Refusée"
        EXPIRED = "expired", "Expirée"
        RETRACTED = "retracted", "Retirée"
        CLOSED = "closed", "Fermée"

    service_request = models.ForeignKey(ServiceRequest, models.PROTECT, related_name="offers")
    interpreter = models.ForeignKey(User, models.PROTECT, verbose_name="interprète", related_name="offers")
    state = models.CharField("état", max_length=10, choices=State, default=State.OPEN)
    sent_at = models.DateTimeField("envoyée le")
    answer_by = models.DateTimeField("réponse attendue avant")
    closed_at = models.DateTimeField("fermée le", null=True, blank=True)
    reason = models.CharField("raison", max_length=200, blank=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = "offre"
        constraints = [
            models.UniqueConstraint(
                fields=["service_request", "interpreter"],
                condition=Q(state="open"),
                name="one_open_offer_per_interpreter",
                violation_error_message="Cet interprète a déjà une offre ouverte pour cette demande.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "accepted", "refused", "expired", "retracted", "closed"]),
                name="offer_has_a_known_state",
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None) | ~Q(state="open") & Q(closed_at__isnull=False),
                name="closed_offer_has_an_instant",
            ),
            models.CheckConstraint(
                condition=Q(answer_by__gt=F("sent_at")),
                name="offer_leaves_time_to_answer",
                violation_error_message="Le délai de réponse doit être dans le futur.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["interpreter", "answer_by"], condition=Q(state="open"), name="open_offer_of_interpreter"
            ),
            models.Index(fields=["answer_by"], condition=Q(state="open"), name="open_offer_by_deadline"),
            models.Index(fields=["interpreter", "sent_at"], name="offer_of_interpreter"),
        ]

    def __str__(self):
        return f"Offre {self.service_request_id} → {self.interpreter_id}"


class Transition(models.Model):
    """One line of a request's history, append-only (a trigger of the database refuses anything else).

    `changes` maps a field's name to [before, after]; a personal field maps to null: that it changed, never its values.
    """

    service_request = models.ForeignKey(ServiceRequest, models.PROTECT, related_name="transitions")
    action = models.CharField("action", max_length=25, choices=Action)
    from_status = models.CharField("de", max_length=12, choices=Status, blank=True)
    to_status = models.CharField("à", max_length=12, choices=Status)
    by = models.ForeignKey(User, models.PROTECT, verbose_name="par", related_name="+")
    on_behalf_of = models.ForeignKey(
        User, models.PROTECT, verbose_name="au nom de", null=True, blank=True, related_name="+"
    )
    interpreter = models.ForeignKey(
        User, models.PROTECT, verbose_name="interprète", null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField("le")
    version = models.PositiveIntegerField("version")
    # An answer to an offer given from the signed link of its message, without signing in.
    by_link = models.BooleanField("par le lien", default=False)
    changes = models.JSONField("changements", default=dict)
    # Of an offer or an assignment by the BI: where the ranking had the person, and why (candidates.choice_of); of a
    # validation: the alerts that were accepted with it.
    choice = models.JSONField("choix", default=dict)
    note = models.TextField("note", max_length=2000, blank=True)

    class Meta:
        verbose_name = "étape"
        verbose_name_plural = "historique"
        indexes = [
            models.Index(fields=["service_request", "id"], name="history_of_request"),
            models.Index(fields=["interpreter", "service_request"], name="history_of_interpreter"),
        ]

    def __str__(self):
        return f"{self.service_request_id} {self.action}"
