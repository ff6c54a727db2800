"""The forms of « Disponibilités »: a period of absence, and the usual hours of a week."""

from datetime import UTC, datetime, time, timedelta

from django import forms

from accounts.french import hour
from requests_app.availability import LONGEST, MIDNIGHT
from requests_app.calendars import Weekday
from requests_app.forms import DATE, FURTHEST, TimeField, instant_of


class AbsenceForm(forms.Form):
    """From a day to a day, both included (that day alone without « Au »); a time makes it start later, end before."""

    conditional_fields = {"end_date"}

    start_date = forms.DateField(label="Du", widget=DATE)
    start_time = TimeField(label="Dès", required=False)
    end_date = forms.DateField(label="Au", widget=DATE, required=False)
    end_time = TimeField(label="Jusqu’à", required=False)

    def __init__(self, data=None, *, at: datetime):
        super().__init__(data)
        self.at = at

    def clean(self):
        cleaned = super().clean()
        if "start_time" in cleaned:
            cleaned["start_time"] = cleaned["start_time"] or time()
        if "end_date" in cleaned:
            cleaned["end_date"] = cleaned["end_date"] or cleaned.get("start_date")
        self._include_last_day(cleaned)
        starts_at = instant_of(self, "start_date", "start_time")
        ends_at = instant_of(self, "end_date", "end_time")
        if starts_at and ends_at:
            # Measured in UTC: within one zone, Python subtracts and compares on the wall clock.
            cleaned |= {"starts_at": starts_at.astimezone(UTC), "ends_at": ends_at.astimezone(UTC)}
            self._check(**{name: cleaned[name] for name in ("starts_at", "ends_at")})
        return cleaned

    def _include_last_day(self, cleaned):
        """Without a time, or at midnight, the last day counts whole: it ends where the next one begins."""
        if "end_time" not in cleaned or not cleaned.get("end_date") or (cleaned["end_time"] or time()) != time():
            return
        try:
            cleaned |= {"end_date": cleaned["end_date"] + timedelta(days=1), "end_time": time()}
        except OverflowError:
            self.add_error("end_date", "Cette date est trop éloignée.")

    def _check(self, starts_at, ends_at):
        if ends_at <= starts_at:
            is_same_day = self.cleaned_data["start_date"] == self.cleaned_data["end_date"]
            self.add_error("end_time" if is_same_day else "end_date", "La fin doit suivre le début.")
        elif ends_at <= self.at:
            self.add_error("end_date", "Cette période est déjà passée.")
        elif starts_at > self.at + FURTHEST:
            self.add_error("start_date", "Cette date est trop éloignée.")
        elif ends_at - starts_at > LONGEST:
            self.add_error("end_date", "Une absence dure un an au plus.")


# Tuesday to Friday: what « Copier lundi » fills in.
_OTHER_WORKING_DAYS = range(Weekday.TUESDAY, Weekday.SATURDAY)


class WeeklyHoursForm(forms.Form):
    """« De » and « à » for each day of the week; an empty day is a day off, an empty week is at all hours."""

    # None is asked for: « (facultatif) » beside each of 14 would say nothing.
    conditional_fields = {f"{side}_{day.value}" for side in ("from", "to") for day in Weekday}

    def __init__(self, data=None, *, rows):
        super().__init__(data, initial=_initial(rows))
        for day in Weekday:
            for side, label in (("from", "de"), ("to", "à")):
                given = TimeField(label=f"{day.label.capitalize()}, {label}", required=False)
                given.widget.attrs |= {"size": 9, "placeholder": ""}
                self.fields[f"{side}_{day.value}"] = given

    @classmethod
    def like_monday(cls, typed):
        """The form as typed, Tuesday to Friday having the hours of Monday."""
        copied = {f"{side}_{day}": typed.get(f"{side}_0", "") for side in ("from", "to") for day in _OTHER_WORKING_DAYS}
        return cls(typed.dict() | copied, rows=[])

    @property
    def days(self):
        """The « de » and the « à » of each day, in the order of the week."""
        return [(self[f"from_{day.value}"], self[f"to_{day.value}"]) for day in Weekday]

    def clean(self):
        cleaned = super().clean()
        hours = {}
        for day in Weekday:
            names = f"from_{day.value}", f"to_{day.value}"
            if not self.errors.keys() & set(names) and any(cleaned[name] is not None for name in names):
                hours[day.value] = self._checked(*names)
        return cleaned | {"hours": hours}

    def _checked(self, start_name, end_name) -> tuple:
        start, end = self.cleaned_data[start_name], self.cleaned_data[end_name]
        # Midnight closes a day as it opens one.
        end = MIDNIGHT if end == time() else end
        if start is None or end is None:
            self.add_error(start_name if start is None else end_name, "Donnez les deux heures, ou aucune.")
        elif end <= start:
            self.add_error(end_name, "La fin doit suivre le début.")
        return start, end


def _initial(rows) -> dict:
    starts = {f"from_{row.weekday}": hour(row.starts_on_clock) for row in rows}
    ends = {f"to_{row.weekday}": hour(time() if row.ends_on_clock == MIDNIGHT else row.ends_on_clock) for row in rows}
    return starts | ends
