"""To whom a request goes, and how: the forms of « Offrir » and « Attribuer »."""

from datetime import datetime, time, timedelta

from django import forms
from django.utils import timezone

from accounts.french import day_and_month, hour
from requests_app.choosing import Choosing, Row
from requests_app.forms import DATE, NoteForm, TimeField, VersionedForm, instant_of

NOW, WAVES = "now", "waves"
# People of a first wave, and minutes that each wave leaves before the next, unless the coordinator says otherwise.
USUAL_SIZE, USUAL_PACE = 3, 30
# An answer is expected in office hours, at a round minute.
USUAL_HOUR, ROUND = time(17), timedelta(minutes=5)


def refusal_of(row: Row, deed: str) -> str:
    """Why the form cannot take somebody as they stand, or an empty text; `deed` is « offrir », « attribuer »."""
    if not row.is_open:
        return f"{row.person}\u00a0: {row.words}."
    if row.obstacles and not row.is_confirmed:
        return f"{row.person}\u00a0: {row.words}. Cochez «\u00a0Je confirme\u00a0» pour {deed} quand même."
    return ""


def usual_deadline(at: datetime, starts_at: datetime) -> datetime:
    """Tomorrow at USUAL_HOUR, or half of what is left before the start, whichever is first; in local time."""
    tomorrow = timezone.make_aware(datetime.combine(timezone.localdate(at) + timedelta(days=1), USUAL_HOUR))
    half = timezone.localtime(at + (starts_at - at) / 2)
    half -= timedelta(minutes=half.minute % (ROUND.seconds // 60), seconds=half.second, microseconds=half.microsecond)
    # A few minutes before the start there is no round minute left.
    return timezone.localtime(min(tomorrow, half) if half > at else starts_at)


def _chosen(rows: list[Row], deed: str) -> list[Row]:
    """The rows, when nothing forbids any of them."""
    if refusals := [why for row in rows if (why := refusal_of(row, deed))]:
        raise forms.ValidationError(refusals)
    return rows


class OfferForm(VersionedForm):
    """To whom, now or in waves, and until when they may answer."""

    deed = "offrir"
    interpreters = forms.TypedMultipleChoiceField(
        label="Interprètes",
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choisissez des personnes que la page propose."},
    )
    way = forms.ChoiceField(
        label="Comment",
        choices=[(NOW, "Aux personnes cochées, maintenant"), (WAVES, "Par vagues, dans l’ordre de la liste")],
        widget=forms.RadioSelect,
    )
    size = forms.IntegerField(
        label="Personnes par vague", min_value=1, max_value=20, required=False, widget=forms.NumberInput({"size": 3})
    )
    every_minutes = forms.IntegerField(
        label="Minutes entre deux vagues",
        min_value=5,
        max_value=1440,
        required=False,
        widget=forms.NumberInput({"size": 4}),
    )
    answer_date = forms.DateField(label="Réponse attendue le", widget=DATE)
    answer_time = TimeField(label="Au plus tard à")
    conditional_fields = {"size", "every_minutes"}

    def __init__(self, data=None, *, people: Choosing, at, service_request, initial=None):
        local = usual_deadline(at, service_request.starts_at)
        usual = {"answer_date": local.date(), "answer_time": hour(local), "version": service_request.version}
        usual |= {"way": NOW, "size": USUAL_SIZE, "every_minutes": USUAL_PACE}
        super().__init__(data, initial=usual | (initial or {}))
        self.at, self.starts_at, self.rows = at, service_request.starts_at, people.rows()
        if not people.among:
            # Nobody to send waves to: whoever is found by name is offered it now.
            for name in ("way", "size", "every_minutes"):
                del self.fields[name]
        self.fields["interpreters"].choices = [(pk, str(row.person)) for pk, row in self.rows.items()]

    def clean_interpreters(self):
        return _chosen([self.rows[pk] for pk in dict.fromkeys(self.cleaned_data["interpreters"])], self.deed)

    def clean(self):
        cleaned = super().clean()
        answer_by = instant_of(self, "answer_date", "answer_time")
        if answer_by and answer_by <= self.at:
            self.add_error("answer_time", "Le délai de réponse doit être dans le futur.")
        elif answer_by and answer_by > self.starts_at:
            start = f"Le service commence le {day_and_month(self.starts_at)} à {hour(self.starts_at)}"
            self.add_error("answer_time", f"{start}\u00a0: donnez un délai avant.")
        (self._check_waves if cleaned.get("way") == WAVES else self._check_now)(cleaned)
        return cleaned | {"answer_by": answer_by}

    def _check_now(self, cleaned):
        # What waves would have asked does not count.
        self.errors.pop("size", None), self.errors.pop("every_minutes", None)
        if cleaned.get("interpreters") == []:
            self.add_error("interpreters", "Choisissez au moins un interprète.")

    def _check_waves(self, cleaned):
        # Waves follow the list: whoever is ticked is neither asked for that, nor an error.
        self.errors.pop("interpreters", None)
        for name in ("size", "every_minutes"):
            if cleaned.get(name, 0) is None:
                self.add_error(name, self.fields[name].error_messages["required"])


class AssignForm(NoteForm):
    """To whom, and what was agreed."""

    deed = "attribuer"
    interpreter = forms.TypedChoiceField(
        label="Interprète",
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choisissez l’interprète.",
            "invalid_choice": "Choisissez une personne que la page propose.",
        },
    )
    field_order = ["version", "interpreter", "note"]

    def __init__(self, data=None, *, people: Choosing, **kwargs):
        super().__init__(data, **kwargs)
        self.rows = people.rows()
        self.fields["note"].label = "Note (qui a donné son accord, et comment)"
        self.fields["interpreter"].choices = [(pk, str(row.person)) for pk, row in self.rows.items()]

    def clean_interpreter(self):
        keys = dict.fromkeys(self.data.getlist(self.add_prefix("interpreter")))
        if len(keys) > 1:
            # One pressed, another confirmed: a box that chooses does not undo what was chosen.
            one = "Choisissez une seule personne\u00a0: décochez «\u00a0Je confirme\u00a0» pour l’autre."
            raise forms.ValidationError(one)
        return _chosen([self.rows[self.cleaned_data["interpreter"]]], self.deed)[0]
