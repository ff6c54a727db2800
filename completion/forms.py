"""The form of the « Détails de l'achèvement » (screens 7, rulings 4–6): only the fields that count for the service.

It reads what people type; `completion.services.file` decides. Kilometres are one way, money in dollars.
"""

import re
import uuid
from datetime import date, datetime, time, timedelta

from django import forms
from django.utils import timezone

from accounts.french import decimal, hour
from completion.facts import PRESENT
from completion.models import Attachment, Completion, Outcome
from requests_app.business_days import local_instant
from requests_app.forms import DATE, TimeField, VersionedForm, instant_of
from requests_app.models import ServiceRequest
from requests_app.workflow import SPOKEN, ServiceType

# A longer presence is a typing error: an end that precedes the start would else be read as the next day's.
LONGEST_PRESENCE = timedelta(hours=16)

OUTCOME = frozenset({"is_rendered", "what_happened", "told_date", "told_time"})
TIMES = frozenset({"start_time", "end_time", "waiting_hours", "waiting_minutes"})
WORDS = frozenset({"word_count"})
TRAVEL = frozenset({"distance_km", "travel_minutes", "parking_amount"})
FILE_HELP = "Photo (JPEG, PNG) ou PDF, 10\u00a0Mo au plus."
FILE_INPUT = forms.FileInput(attrs={"accept": "image/jpeg,image/png,application/pdf"})
# The form's own name for a field that `Unfit` names.
_FIELD_OF = {
    "outcome": "is_rendered",
    "told_at": "told_time",
    "actual_starts_at": "start_time",
    "actual_ends_at": "end_time",
}


def _short(size: int, **attrs) -> forms.TextInput:
    return forms.TextInput(attrs={"size": size, **attrs})


class AmountField(forms.DecimalField):
    """A number as people write it: « 18,4 », « 18.4 km », « 1 250,00 $ »."""

    def __init__(self, **kwargs):
        usual = {"min_value": 0, "required": False, "widget": _short(8, inputmode="decimal")}
        super().__init__(**usual | kwargs)

    def to_python(self, value):
        text = re.sub(r"\s", "", "" if value is None else str(value)).replace(",", ".")
        return super().to_python(re.sub(r"(km|\$)$", "", text))

    def prepare_value(self, value):
        return value if value is None or isinstance(value, str) else decimal(value)


class WholeField(forms.IntegerField):
    """A whole number, « 1 240 » included."""

    def __init__(self, size=5, **kwargs):
        super().__init__(min_value=0, required=False, widget=_short(size, inputmode="numeric"), **kwargs)

    def to_python(self, value):
        return super().to_python(re.sub(r"\s", "", "" if value is None else str(value)))


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
    what_happened = forms.ChoiceField(
        label="Si non, que s’est-il passé?", choices=[], widget=forms.RadioSelect, required=False
    )
    told_date = forms.DateField(label="Annulation apprise le", widget=DATE, required=False)
    told_time = TimeField(label="À", required=False)
    start_time = TimeField(label="Début réel", required=False)
    end_time = TimeField(label="Fin réelle", required=False)
    waiting_hours = WholeField(label="Heures", size=3, max_value=23)
    waiting_minutes = WholeField(label="Minutes", size=3, max_value=59)
    word_count = WholeField(label="Mots", size=8, max_value=1_000_000)
    distance_km = AmountField(
        label="Distance parcourue (km)", help_text="Aller seulement.", max_digits=7, decimal_places=3
    )
    travel_minutes = WholeField(
        label="Durée du trajet (minutes)", help_text="Non rémunérée depuis le 4 novembre 2024.", max_value=1440
    )
    parking_amount = AmountField(label="Stationnement ($)", max_digits=7, decimal_places=2)
    attachment = forms.FileField(
        label="Pièce jointe",
        required=False,
        help_text=FILE_HELP,
        widget=FILE_INPUT,
    )
    comments = forms.CharField(
        label="Commentaires sur la demande",
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Une ligne «\u00a02024-12-01 14h10 Confirmation du rendez-vous\u00a0» devient une communication.",
    )
    # The waiting time says once, above both, that it is optional.
    conditional_fields = {"what_happened", "start_time", "end_time", "word_count", "waiting_hours", "waiting_minutes"}

    def __init__(self, data=None, files=None, *, service_request, is_on_behalf, initial=None):
        initial = (_initial(service_request) if data is None else {}) | (initial or {})
        super().__init__(data, files, initial=initial)
        self.service_request, self.fixed = service_request, _fixed_outcome(service_request)
        for name in self._left_out(is_on_behalf):
            del self.fields[name]
        if "what_happened" in self.fields:
            absences = PRESENT[1:] if service_request.is_spoken else ()
            self.fields["what_happened"].choices = [
                (value.value, value.label) for value in (Outcome.CANCELLED, *absences)
            ]
        if service_request.service_type == ServiceType.ON_SITE and "attachment" in self.fields:
            self.fields["attachment"].label = "Facture de stationnement"

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

    def clean(self):
        cleaned = super().clean()
        if self.errors.pop("key", None):
            raise forms.ValidationError("Rouvrez la page, puis recommencez.")
        cleaned["outcome"] = self.fixed or self._outcome(cleaned)
        cleaned["told_at"] = self._told_at(cleaned)
        if "start_time" in self.fields and cleaned["outcome"] in PRESENT:
            self._clean_presence(cleaned)
        return cleaned

    def _outcome(self, cleaned) -> str:
        if cleaned.get("is_rendered") != "non":
            return Outcome.RENDERED
        if not cleaned.get("what_happened") and "what_happened" not in self.errors:
            self.add_error("what_happened", "Dites ce qui s’est passé.")
        return cleaned.get("what_happened") or ""

    def _told_at(self, cleaned) -> datetime | None:
        if cleaned["outcome"] != Outcome.CANCELLED:
            # What the answer does not ask is not judged: those fields are out of sight.
            for name in ("told_date", "told_time"):
                self.errors.pop(name, None)
            return None
        is_half = bool(cleaned.get("told_date")) != bool(cleaned.get("told_time"))
        if is_half and not {"told_date", "told_time"} & set(self.errors):
            self.add_error("told_time", "Donnez la date et l’heure, ou aucune des deux.")
        return instant_of(self, "told_date", "told_time")

    def _clean_presence(self, cleaned):
        for name in ("start_time", "end_time"):
            if cleaned.get(name) is None and name not in self.errors:
                self.add_error(name, "Indiquez l’heure réelle.")
        if cleaned.get("start_time") is None or cleaned.get("end_time") is None:
            return
        day = _nearest_day(self.service_request.starts_at, cleaned["start_time"])
        starts_at = self._instant("start_time", day)
        # Past midnight, the end is the next day's.
        crosses = cleaned["end_time"] < cleaned["start_time"]
        ends_at = self._instant("end_time", day + timedelta(days=1) if crosses else day)
        if starts_at and ends_at and not timedelta() < ends_at - starts_at <= LONGEST_PRESENCE:
            self.add_error("end_time", "La fin doit suivre le début.")
        cleaned |= {"actual_starts_at": starts_at, "actual_ends_at": ends_at}

    def _instant(self, name: str, day: date) -> datetime | None:
        try:
            return local_instant(day, self.cleaned_data[name], timezone.get_default_timezone())
        except ValueError as error:
            self.add_error(name, str(error))

    def report(self) -> dict:
        """The arguments of `completion.services.file`, but for the communications."""
        given = self.cleaned_data
        report = {name: given[name] for name in ("outcome", "version", "key", "comments")}
        report["note"] = given.get("note", "")
        if self.fixed:
            return report
        waiting = (given.get("waiting_hours") or 0) * 60 + (given.get("waiting_minutes") or 0)
        names = ("told_at", "actual_starts_at", "actual_ends_at", "word_count", "distance_km", "parking_amount")
        report |= {name: given.get(name) for name in names}
        return report | {"waiting_minutes": waiting, "travel_minutes": given.get("travel_minutes") or 0}

    def refuse(self, field: str, message: str) -> None:
        """Show beside its field what `file` refused."""
        name = _FIELD_OF.get(field, field)
        self.add_error(name if name in self.fields else None, message)


def _fixed_outcome(service_request: ServiceRequest) -> str:
    if service_request.notice_received_at:
        return Outcome.CLAIM
    return Outcome.RENDERED if service_request.service_type == ServiceType.MESSAGE_RELAY else ""


def _nearest_day(booked: datetime, clock: time) -> date:
    """The day that brings a time typed alone closest to the booked start, which may be on either side of midnight."""
    local = timezone.localtime(booked).replace(tzinfo=None)
    days = [local.date() + timedelta(days=step) for step in (0, -1, 1)]
    return min(days, key=lambda day: abs(datetime.combine(day, clock) - local))


def _initial(service_request: ServiceRequest) -> dict:
    completion = getattr(service_request, "completion", None)
    booked = {"start_time": hour(service_request.starts_at), "end_time": hour(service_request.ends_at)}
    filed = _filed(completion) if completion and completion.revision else {}
    return {"version": service_request.version} | booked | filed


def _filed(completion: Completion) -> dict:
    same = ("word_count", "distance_km", "parking_amount", "comments")
    initial = {name: getattr(completion, name) for name in same}
    initial["is_rendered"] = "oui" if completion.is_rendered else "non"
    initial["what_happened"] = completion.outcome
    initial["travel_minutes"] = completion.travel_minutes or None
    hours, minutes = divmod(completion.waiting_minutes, 60)
    initial |= {"waiting_hours": hours or None, "waiting_minutes": minutes or None}
    if completion.actual_starts_at:
        initial |= {"start_time": hour(completion.actual_starts_at), "end_time": hour(completion.actual_ends_at)}
    if completion.told_at:
        initial |= {"told_date": timezone.localdate(completion.told_at), "told_time": hour(completion.told_at)}
    return initial


class AttachmentForm(forms.Form):
    """One more file for a request; only a service on site has parking."""

    kind = forms.ChoiceField(label="Nature", choices=Attachment.Kind, widget=forms.RadioSelect)
    file = forms.FileField(
        label="Fichier",
        help_text=FILE_HELP,
        widget=FILE_INPUT,
        error_messages={"required": "Choisissez un fichier."},
    )

    def __init__(self, data=None, files=None, *, service_request):
        is_on_site = service_request.service_type == ServiceType.ON_SITE
        kind = Attachment.Kind.PARKING_RECEIPT if is_on_site else Attachment.Kind.OTHER
        super().__init__(data, files, initial={"kind": kind})
        if not is_on_site:
            self.fields["kind"].choices = [(kind.value, kind.label)]
