"""Forms clean values; a verb does the rest. Fields are named as the verbs' arguments where they can be."""

import json
import re
from datetime import UTC, datetime, timedelta

from django import forms
from django.db.models import Q
from django.utils import timezone

from accounts.french import duration, hour
from accounts.models import Institution, Language
from accounts.roles import Role
from completion.rules import parse_time
from requests_app import conflicts
from requests_app.business_days import is_far, local_instant
from requests_app.models import CancellationReason, Channel, Facility, Purpose, ServiceRequest
from requests_app.workflow import SPOKEN, ServiceType

DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
# A request may be booked this long: longer is a typing error for a spoken service.
LONGEST_SPOKEN = timedelta(hours=12)
FURTHEST = timedelta(days=730)
IN_THE_FUTURE = "Cette date est dans le futur."
# What decides whether a communication that the request does not ask for is paid (ruling 6).
DECISIVE = frozenset({"requested_by_name", "justification"})
_DATE_SAID = {"required": "Inscrivez la date.", "invalid": "Écrivez la date ainsi\u00a0: 2024-12-01."}


class TimeField(forms.CharField):
    """A time typed as people type it: 14h10, 14 h 10, 20.12, 1410."""

    def __init__(self, **kwargs):
        super().__init__(max_length=10, widget=forms.TextInput(attrs={"size": 7, "placeholder": "14 h 10"}), **kwargs)

    def clean(self, value):
        value = super().clean(value)
        try:
            return parse_time(value) if value else None
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class LinesField(forms.CharField):
    """A text of several lines: a browser ends them with CRLF, what is kept with LF."""

    def __init__(self, *, rows: int, **kwargs):
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), **kwargs)

    def to_python(self, value):
        return super().to_python(value).replace("\r\n", "\n").replace("\r", "\n")


class DurationField(forms.CharField):
    """A length: « 90 » or « 90 min » (minutes), « 1 h 30 », « 3 j » (days, for a translation)."""

    def __init__(self, **kwargs):
        super().__init__(max_length=12, widget=forms.TextInput(attrs={"size": 7, "placeholder": "1 h 30"}), **kwargs)

    def clean(self, value):
        text = re.sub(r"\s", "", super().clean(value)).lower()
        if not text:
            return None
        found = re.fullmatch(r"(?:(\d{1,3})j)?(?:(\d{1,3})h)?(?:(\d{1,4})(?:min|m)?)?", text)
        days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
        length = timedelta(days=days, hours=hours, minutes=minutes)
        if not length:
            raise forms.ValidationError(
                "Écrivez la durée ainsi\u00a0: 1\u00a0h\u00a030, 90\u00a0(minutes) ou 3\u00a0j."
            )
        return length


def instant_of(form, date_field: str, time_field: str) -> datetime | None:
    """The instant of a date and a time typed apart; what cannot be is an error beside the one at fault."""
    day, hour = form.cleaned_data.get(date_field), form.cleaned_data.get(time_field)
    if day is None or hour is None:
        return None
    try:
        return local_instant(day, hour, timezone.get_default_timezone())
    except ValueError as error:
        form.add_error(date_field if is_far(day) else time_field, str(error))


def _end_of(starts_at: datetime, length: timedelta) -> datetime:
    """The end of a request: whole days end at the same hour, anything else is elapsed time, clock change or not."""
    if not length % timedelta(days=1):
        return starts_at + length
    return starts_at.astimezone(UTC) + length


class VersionedForm(forms.Form):
    """Carries the version of the request that its page showed, so that a stale form is refused."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    def clean(self):
        # A hidden field has no place beside which to say it: only a page nobody served lacks its version.
        if self.errors.pop("version", None):
            raise forms.ValidationError("Rouvrez la page, puis recommencez.")
        return super().clean()


class RequestForm(VersionedForm):
    """What a requester or a coordinator asks; the institution is given by the page."""

    service_type = forms.ChoiceField(label="Type de service", choices=[("", "Choisissez"), *ServiceType.choices])
    language = forms.ModelChoiceField(Language.objects, label="Langue", empty_label="Choisissez")
    facility = forms.ModelChoiceField(
        Facility.objects.none(),
        label="Installation",
        empty_label="Aucune",
        required=False,
        help_text="Obligatoire pour un service en présence.",
    )
    date = forms.DateField(label="Date", widget=DATE)
    start_time = TimeField(label="Début")
    duration = DurationField(label="Durée", help_text="Pour une traduction, le délai\u00a0: 3\u00a0j.")
    professional_name = forms.CharField(label="Professionnel(le)", max_length=120, required=False)
    professional_phone = forms.CharField(label="Téléphone du (de la) professionnel(le)", max_length=40, required=False)
    patient_name = forms.CharField(
        label="Usager",
        max_length=120,
        required=False,
        help_text="Nom ou initiales. N’inscrivez ni diagnostic ni numéro d’assurance maladie.",
    )
    patient_phone = forms.CharField(label="Téléphone de l’usager", max_length=40, required=False)
    patient_file_number = forms.CharField(label="Numéro de dossier", max_length=40, required=False)
    instructions = LinesField(label="Consignes", max_length=2000, required=False, rows=3)
    are_communications_requested = forms.BooleanField(
        label="Communications demandées",
        required=False,
        help_text="L’interprète confirme ou rappelle le rendez-vous à l’utilisateur\u00a0: ces communications sont "
        "payées.",
    )
    note = forms.CharField(
        label="Note", max_length=500, required=False, help_text="Requise si le début est déjà passé."
    )
    # What the page was opened on (conflicts.py); personal values among them, as in the fields beside.
    opened = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    conditional_fields = {"facility"}

    def __init__(self, data=None, *, institution, user, at, service_request=None, kept=None):
        """`kept`: values typed before, over those of the request."""
        initial = (_initial(service_request) if service_request else {"version": 1}) | (kept or {})
        super().__init__(data, initial=initial)
        self.user, self.at, self.service_request = user, at, service_request
        current = service_request.facility_id if service_request else None
        self.fields["facility"].queryset = institution.facilities.filter(Q(is_active=True) | Q(pk=current))
        if service_request:
            self.fields["note"].help_text = "L’accord de l’interprète, s’il reste moins de 48\u00a0h ouvrables."
        if user.role != Role.COORDINATOR:
            del self.fields["note"]

    def clean(self):
        cleaned = super().clean()
        self.errors.pop("opened", None)  # nobody typed it, and nothing rests on it
        starts_at = instant_of(self, "date", "start_time")
        if starts_at and abs(starts_at - self.at) > FURTHEST:
            self.add_error("date", "Cette date est trop éloignée.")
        elif starts_at and cleaned.get("duration"):
            cleaned |= {"starts_at": starts_at, "ends_at": _end_of(starts_at, cleaned["duration"])}
            self._check_window(cleaned)
        if cleaned.get("service_type") == ServiceType.MESSAGE_RELAY:
            for name in ("patient_name", "patient_phone", "patient_file_number"):
                if cleaned.get(name):
                    self.add_error(name, "Une transmission de message ne nomme pas l’usager.")
        if cleaned.get("service_type") == ServiceType.ON_SITE and not cleaned.get("facility"):
            self.add_error("facility", "Choisissez l’installation où le service a lieu.")
        return cleaned

    def _check_window(self, cleaned):
        if cleaned.get("service_type") in SPOKEN and cleaned["duration"] > LONGEST_SPOKEN:
            self.add_error("duration", "Un service parlé dure 12\u00a0h au plus.")
        is_kept = self.service_request and self.service_request.starts_at == cleaned["starts_at"]
        if cleaned["starts_at"] > self.at or is_kept:
            return
        if self.user.role != Role.COORDINATOR:
            self.add_error("start_time", "Le début doit être dans le futur.")
        elif not cleaned.get("note"):
            self.add_error("note", "Le début est déjà passé\u00a0: une note est requise.")

    def request_fields(self) -> dict:
        """The fields of ServiceRequest, ready for `submit` or `modify`."""
        apart = {"version", "opened", "date", "start_time", "duration", "note"}
        return {name: value for name, value in self.cleaned_data.items() if name not in apart}

    def labels(self) -> dict[str, str]:
        """What the request keeps of this form: {name: label}, in the order of the page."""
        return {name: field.label for name, field in self.fields.items() if name not in {"version", "opened", "note"}}

    def differences(self, current: ServiceRequest) -> list[conflicts.Difference]:
        """What was typed here, against the request as somebody else made it since; the form being valid."""
        opened, typed = self.cleaned_data.get("opened", ""), conflicts.texts(self.cleaned_data)
        labels = self.labels()
        return conflicts.differences(current, conflicts.opened_on(opened, labels), typed, labels)

    def kept(self, differences) -> dict:
        """What to fill the next form with: what this person changed, as typed, and the note."""
        mine = {row.name for row in differences if row.verdict != conflicts.Verdict.THEIRS} | {"note"}
        return {name: self[name].value() for name in mine if name in self.fields}


def _initial(service_request: ServiceRequest) -> dict:
    start = timezone.localtime(service_request.starts_at)
    kept = {name: getattr(service_request, name) for name in RequestForm.base_fields if hasattr(service_request, name)}
    minutes = service_request.booked_minutes
    length = f"{minutes // 1440} j" if minutes % 1440 == 0 else duration(minutes)
    opened = json.dumps(conflicts.snapshot(service_request, RequestForm.base_fields))
    return kept | {"date": start.date(), "start_time": hour(start), "duration": length, "opened": opened}


class InstitutionForm(forms.Form):
    """First question of a coordinator's new request: for whom?"""

    institution = forms.ModelChoiceField(Institution.objects, label="Établissement", empty_label="Choisissez")


class NoteForm(VersionedForm):
    """A step of the BI that is always explained."""

    note = LinesField(label="Note", max_length=500, rows=2, error_messages={"required": "Une note est requise."})


class DepartureForm(forms.Form):
    """Why an account is closed; the page also carries what was listed (requests_app/departures.py)."""

    # As long as a line of the account's history.
    reason = forms.CharField(
        label="Motif",
        max_length=120,
        help_text="Il reste dans l’historique du compte et des demandes libérées. La BI seule le lit.",
        error_messages={"required": "Indiquez le motif."},
    )
    seen = forms.CharField(max_length=32, required=False, widget=forms.HiddenInput)


NOTE_IF_ABSENT = "Requise si l’avis a été reçu plus tôt que maintenant, ou si l’interprète est absent."


class CancelForm(VersionedForm):
    """Ruling 12; a coordinator may say when the notice was received, with a note."""

    reason = forms.ChoiceField(
        label="Motif",
        choices=CancellationReason,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Ce motif n’est pas possible maintenant\u00a0: choisissez-en un autre."},
    )
    received_date = forms.DateField(label="Avis reçu le", widget=DATE, required=False)
    received_time = TimeField(label="À", required=False)
    note = forms.CharField(
        label="Note",
        max_length=500,
        required=False,
        help_text="Requise si l’avis a été reçu plus tôt que maintenant.",
    )
    conditional_fields = {"note"}

    def __init__(self, data=None, *, user, at, service_request):
        super().__init__(data, initial={"version": service_request.version})
        self.at, self.service_request = at, service_request
        moot = self._moot()
        self.fields["reason"].choices = [choice for choice in CancellationReason.choices if choice[0] not in moot]
        if CancellationReason.INTERPRETER_ABSENT not in moot:
            self.fields["note"].help_text = NOTE_IF_ABSENT
        if user.role != Role.COORDINATOR:
            # A requester gives no other reason than being one.
            for name in ("reason", "received_date", "received_time", "note"):
                del self.fields[name]

    def _moot(self) -> set:
        """« Interprète absent » needs one, who had to be there; « aucun interprète » needs none."""
        held, has_begun = self.service_request.interpreter_id, self.service_request.starts_at <= self.at
        moot = {CancellationReason.NO_INTERPRETER} if held else set()
        return moot if held and has_begun else moot | {CancellationReason.INTERPRETER_ABSENT}

    def clean(self):
        cleaned = {"reason": CancellationReason.BY_REQUESTER} | super().clean()
        if cleaned["reason"] == CancellationReason.INTERPRETER_ABSENT and not cleaned.get("note"):
            self.add_error("note", "Dites comment l’absence a été constatée.")
        received_at = instant_of(self, "received_date", "received_time")
        if bool(cleaned.get("received_date")) != bool(cleaned.get("received_time")) and not self.errors:
            self.add_error("received_time", "Donnez la date et l’heure de l’avis, ou aucune des deux.")
        if received_at:
            self._check_notice(received_at, cleaned)
        return cleaned | {"received_at": received_at}

    def _check_notice(self, received_at, cleaned):
        if not self.service_request.created_at <= received_at <= self.at:
            self.add_error("received_time", "L’heure de l’avis se situe entre la création de la demande et maintenant.")
        elif not cleaned.get("note"):
            self.add_error("note", "Dites comment l’avis a été reçu.")


class CommunicationForm(forms.Form):
    """One communication, as the FAQ describes it: when, why, how, and who asked."""

    date = forms.DateField(label="Date", widget=DATE, error_messages=_DATE_SAID)
    time = TimeField(label="Heure", error_messages={"required": "Inscrivez l’heure."})
    purpose = forms.ChoiceField(
        label="Objectif",
        choices=[("", "Choisissez"), *Purpose.choices],
        error_messages={"required": "Choisissez l’objectif."},
    )
    purpose_text = forms.CharField(label="Précision", max_length=200, required=False)
    channel = forms.ChoiceField(label="Moyen", choices=Channel, initial=Channel.PHONE)
    requested_by_name = forms.CharField(
        label="Demandé par", max_length=120, required=False, help_text="Si le besoin n’est pas précisé dans la demande."
    )
    justification = forms.CharField(label="Justification", max_length=300, required=False)

    def __init__(self, *args, at, is_planned=True, **kwargs):
        """`is_planned`: the request asks for communications; else who asked and why decide the pay (ruling 6)."""
        super().__init__(*args, **kwargs)
        self.at, self.conditional_fields = at, frozenset() if is_planned else DECISIVE
        for name in self.conditional_fields:
            self.fields[name].help_text = "Requis pour que la communication soit payée."

    def clean(self):
        cleaned = super().clean()
        made_at = instant_of(self, "date", "time")
        if made_at and cleaned["date"] > timezone.localdate(self.at):
            self.add_error("date", IN_THE_FUTURE)
        elif made_at and made_at > self.at:
            self.add_error("time", "Une communication ne peut pas être dans le futur.")
        if cleaned.get("purpose") == Purpose.OTHER and not cleaned.get("purpose_text"):
            self.add_error("purpose_text", "Précisez l’objectif de la communication.")
        return cleaned | {"made_at": made_at}

    def row(self) -> dict:
        """The arguments of `log_communication`."""
        return {name: value for name, value in self.cleaned_data.items() if name not in {"date", "time"}}


class MessageForm(forms.Form):
    """A text to somebody. A page holds several: `purpose` makes the ids of each its own."""

    body = LinesField(
        max_length=4000, rows=3, help_text="N’écrivez ni le nom de l’usager, ni un renseignement de santé."
    )

    def __init__(self, data=None, *, purpose="message", label="Message", missing="Écrivez votre message.", **kwargs):
        super().__init__(data, auto_id=f"id_{purpose}_%s", **kwargs)
        self.fields["body"].label = label
        self.fields["body"].error_messages["required"] = missing


class ComposeForm(MessageForm):
    """« Corps du courriel »: the FAQ's text has one blank, which is filled in before it is sent."""

    def __init__(self, data=None, **kwargs):
        super().__init__(data, label="Corps du courriel", **kwargs)
        self.fields["body"].widget.attrs["rows"] = 12

    def clean_body(self):
        if "(date)" in self.cleaned_data["body"]:
            raise forms.ValidationError("Remplacez (date) par la date de la communication.")
        return self.cleaned_data["body"]
