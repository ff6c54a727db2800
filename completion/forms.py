"""The form of the « Détails de l'achèvement » (screens 7, rulings 4–6): only the fields that count for the service.

It reads what people type; `completion.services.file` decides. Kilometres are one way, money in dollars.
"""

import uuid
from datetime import date, datetime, time, timedelta

from django import forms
from django.utils import timezone

from accounts.french import hour
from completion import services
from completion.attachment_forms import FilesField
from completion.communications import typed_rows
from completion.facts import PRESENT
from completion.fields import AmountField, ClockField, MinutesField, WholeField
from completion.mileage import Mileage
from completion.models import Attachment, Outcome
from completion.presence import nearest_day, presence_said
from completion.proposed import proposed
from requests_app.business_days import local_instant
from requests_app.forms import DATE, IN_THE_FUTURE, LinesField, VersionedForm, instant_of
from requests_app.models import ServiceRequest
from requests_app.workflow import SPOKEN, ServiceType

OUTCOME = frozenset({"is_rendered", "what_happened", "told_date", "told_time"})
TIMES = frozenset({"start_time", "end_time", "waiting_hours", "waiting_minutes"})
WORDS = frozenset({"word_count"})
TRAVEL = frozenset({"distance_km", "travel_minutes", "parking_amount"})
TOLD = frozenset({"told_date", "told_time"})
# What no pay rests on: an estimate does not wait for it.
UNPAID = frozenset({"version", "key", "note", "attachment", "__all__"})
# The form's own name for a field that `Unfit` names.
_FIELD_OF = {
    "outcome": "is_rendered",
    "told_at": "told_time",
    "actual_starts_at": "start_time",
    "actual_ends_at": "end_time",
}


class CompletionForm(VersionedForm):
    """One form for every service and situation; `fixed` is the outcome when nothing is asked (relay, claim)."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    note = forms.CharField(
        label="Remplir au nom de l’interprète\u00a0: note",
        max_length=500,
        help_text="Qui vous a donné ces renseignements, et comment.",
        error_messages={"required": "Une note est requise pour remplir au nom de l’interprète."},
    )
    is_rendered = forms.ChoiceField(
        label="Service fourni",
        choices=[("oui", "Oui"), ("non", "Non")],
        widget=forms.RadioSelect,
        error_messages={"required": "Indiquez si le service a été rendu."},
    )
    what_happened = forms.ChoiceField(label="Que s’est-il passé?", choices=[], widget=forms.RadioSelect, required=False)
    told_date = forms.DateField(label="Annulation apprise le", widget=DATE, required=False)
    told_time = ClockField(label="Heure de l’annulation", required=False)
    start_time = ClockField(label="Début réel", required=False)
    end_time = ClockField(label="Fin réelle", required=False)
    waiting_hours = WholeField(label="Heures d’attente", size=3, max_value=23)
    waiting_minutes = WholeField(label="Minutes d’attente", size=3, max_value=1440)
    word_count = WholeField(label="Mots", size=8, max_value=1_000_000)
    distance_km = AmountField(
        label="Distance parcourue (km)", help_text="Aller seulement.", max_digits=7, decimal_places=3
    )
    travel_minutes = MinutesField(label="Durée du trajet (minutes)", max_value=1440)
    parking_amount = AmountField(label="Stationnement ($)", max_digits=7, decimal_places=2)
    attachment = FilesField(label="Pièces jointes", required=False)
    comments = LinesField(
        label="Commentaires sur la demande",
        max_length=4000,
        required=False,
        rows=4,
        help_text="Une ligne «\u00a02024-12-01 14h10 Confirmation du rendez-vous\u00a0» devient une communication.",
    )
    # The waiting time says once, above both, that it is optional.
    conditional_fields = {"what_happened", "start_time", "end_time", "word_count", "waiting_hours", "waiting_minutes"}

    def __init__(self, data=None, files=None, *, service_request, at, is_on_behalf=False, mileage=None, initial=None):
        """`initial`: what was typed before, shown again unjudged; `mileage`: the estimates of a service on site."""
        if data is None and initial is None:
            initial = proposed(service_request, at, mileage)
        super().__init__(data, files, initial=initial)
        self.service_request, self.at, self.fixed = service_request, at, _fixed_outcome(service_request)
        for name in self._left_out(is_on_behalf):
            del self.fields[name]
        self._word(mileage)

    def _word(self, mileage: Mileage | None):
        """What the request and the hour make of the choices, labels and helps."""
        service_request, fields = self.service_request, self.fields
        if "what_happened" in fields:
            absences = PRESENT[1:] if service_request.is_spoken else ()
            fields["what_happened"].choices = [(value.value, value.label) for value in (Outcome.CANCELLED, *absences)]
        if "end_time" in fields and service_request.ends_at > self.at:
            fields["end_time"].help_text = f"Prévue à {hour(service_request.ends_at)}; il est {hour(self.at)}."
        if "travel_minutes" in fields and mileage:
            fields["travel_minutes"].help_text = mileage.travel_help
        if service_request.service_type == ServiceType.ON_SITE and "attachment" in fields:
            fields["attachment"].label = "Facture de stationnement"

    def _left_out(self, is_on_behalf) -> set[str]:
        kind = self.service_request.service_type
        left_out = set() if is_on_behalf else {"note"}
        if self.fixed:
            left_out |= OUTCOME | {"attachment"}
        left_out |= TIMES if self.fixed or kind not in SPOKEN else set()
        elsewhere = WORDS if self.fixed or kind in SPOKEN else set()
        elsewhere |= TRAVEL if self.fixed or kind != ServiceType.ON_SITE else set()
        # What has no place here and was sent all the same is refused beside its field, never ignored.
        return left_out | {name for name in elsewhere if not self.data.get(name)}

    @property
    def attachment_kind(self) -> str:
        is_on_site = self.service_request.service_type == ServiceType.ON_SITE
        return Attachment.Kind.PARKING_RECEIPT if is_on_site else Attachment.Kind.OTHER

    def clean_comments(self):
        """What is wrong with a communication typed there is said with all the rest."""
        comments = self.cleaned_data["comments"]
        try:
            typed_rows(comments, at=self.at)
        except services.Unfit as error:
            raise forms.ValidationError(str(error)) from error
        return comments

    def clean(self):
        cleaned = super().clean()
        if self.errors.pop("key", None):
            self.add_error(None, "Rouvrez la page, puis recommencez.")
        cleaned["outcome"] = self.fixed or self._outcome(cleaned)
        self._forget(self._unasked(cleaned["outcome"]))
        cleaned["told_at"] = self._told_at(cleaned)
        if "start_time" in self.fields and cleaned["outcome"] in PRESENT:
            self._clean_presence(cleaned)
        return cleaned

    def _outcome(self, cleaned) -> str:
        if cleaned.get("is_rendered") != "non":
            self._forget({"what_happened"})
            return Outcome.RENDERED
        if not cleaned.get("what_happened") and "what_happened" not in self.errors:
            self.add_error("what_happened", "Dites ce qui s’est passé.")
        return cleaned.get("what_happened") or ""

    @staticmethod
    def _unasked(outcome: str) -> frozenset:
        if outcome == Outcome.CANCELLED:
            return TIMES | WORDS | TRAVEL
        return TOLD

    def _forget(self, names) -> None:
        """What the answer does not ask is neither judged nor kept: those fields are out of sight."""
        for name in names:
            self.errors.pop(name, None)
            self.cleaned_data.pop(name, None)

    def _told_at(self, cleaned) -> datetime | None:
        is_half = bool(cleaned.get("told_date")) != bool(cleaned.get("told_time"))
        if is_half and TOLD.isdisjoint(self.errors):
            self.add_error("told_time", "Donnez la date et l’heure, ou aucune des deux.")
        told_at = instant_of(self, "told_date", "told_time")
        if told_at and cleaned["told_date"] > timezone.localdate(self.at):
            self.add_error("told_date", IN_THE_FUTURE)
        else:
            self._judge(services.check_told, told_at)
        return told_at

    def _clean_presence(self, cleaned):
        for name in ("start_time", "end_time"):
            if cleaned.get(name) is None and name not in self.errors:
                self.add_error(name, "Indiquez l’heure réelle.")
        start, end = cleaned.get("start_time"), cleaned.get("end_time")
        if start is None or end is None:
            return
        day = nearest_day(self.service_request.starts_at, start)
        # Past midnight, the end is the next day's.
        starts_at = self._instant("start_time", day, start)
        ends_at = self._instant("end_time", day + timedelta(days=1) if end < start else day, end)
        cleaned |= {"actual_starts_at": starts_at, "actual_ends_at": ends_at}
        if starts_at and ends_at:
            self._judge(services.check_presence, starts_at, ends_at)

    def _judge(self, check, *instants):
        """All that is wrong is said at once: not the form's errors first, then those of the verb."""
        try:
            check(*instants, self.at)
        except services.Unfit as error:
            self.refuse(error.field, str(error))

    def _instant(self, name: str, day: date, clock: time) -> datetime | None:
        try:
            return local_instant(day, clock, timezone.get_default_timezone())
        except ValueError as error:
            self.add_error(name, str(error))

    def happened(self) -> dict:
        """What the report says, as `completion.services.preview` takes it, but for the communications."""
        given = self.cleaned_data
        said = {"outcome": given["outcome"], "comments": given.get("comments", "")}
        if self.fixed:
            return said
        waiting = (given.get("waiting_hours") or 0) * 60 + (given.get("waiting_minutes") or 0)
        said |= {name: given.get(name) for name in ("told_at", "actual_starts_at", "actual_ends_at", "word_count")}
        said |= {name: given.get(name) for name in ("distance_km", "parking_amount")}
        return said | {"waiting_minutes": waiting, "travel_minutes": given.get("travel_minutes") or 0}

    def report(self) -> dict:
        """The arguments of `completion.services.file`, but for the communications."""
        given = self.cleaned_data
        return self.happened() | {"version": given["version"], "key": given["key"], "note": given.get("note", "")}

    def awaited(self) -> list[tuple[str, str]]:
        """(label, message) of what an estimate waits for."""
        if "outcome" not in self.cleaned_data:
            return [("Page", self.non_field_errors()[0])]
        return [(self[name].label, errors[0]) for name, errors in self.errors.items() if name not in UNPAID]

    def label_of(self, field: str) -> str:
        """How the page calls the field that `Unfit` names."""
        name = _FIELD_OF.get(field, field)
        return self.fields[name].label if name in self.fields else "Communications"

    def presence(self) -> str:
        """The presence typed, in words; nothing until both times are read."""
        starts_at, ends_at = (self.cleaned_data.get(name) for name in ("actual_starts_at", "actual_ends_at"))
        if not starts_at or not ends_at or "end_time" in self.errors:
            return ""
        return presence_said(starts_at, ends_at, booked_at=self.service_request.starts_at)

    def refused_presence(self) -> str:
        """What is wrong with two times that were both read; nothing while one is being typed."""
        found = [self.errors[name][0] for name in ("start_time", "end_time") if name in self.errors]
        return found[0] if found and "actual_starts_at" in self.cleaned_data else ""

    def refuse(self, field: str, message: str) -> None:
        """Show beside its field what `file` refused."""
        name = _FIELD_OF.get(field, field)
        self.add_error(name if name in self.fields else None, message)

    def words(self) -> list[tuple[str, str]]:
        """(label, what was typed) of each field a person fills in."""
        shown = [(bound, str(bound.value() or "").strip()) for bound in self if not bound.is_hidden]
        return [(bound.label, _chosen(bound, text)) for bound, text in shown if text and bound.widget_type != "file"]


def _chosen(bound, text: str) -> str:
    return str(dict(getattr(bound.field, "choices", ())).get(text, text))


def _fixed_outcome(service_request: ServiceRequest) -> str:
    if service_request.notice_received_at:
        return Outcome.CLAIM
    return Outcome.RENDERED if service_request.service_type == ServiceType.MESSAGE_RELAY else ""
