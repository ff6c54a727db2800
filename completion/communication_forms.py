"""The communications of a report: one form a row, as many as needed, with or without JavaScript."""

from datetime import datetime

from django import forms
from django.utils import timezone

from accounts import keyset
from accounts.french import hour
from completion.communications import row_of
from completion.fields import ClockField
from requests_app.exchanges import MAX_COMMUNICATIONS
from requests_app.forms import CommunicationForm


class SeenField(forms.IntegerField):
    """The row a form shows; alone it is no change."""

    def has_changed(self, initial, data):
        return False


class RowForm(CommunicationForm):
    time = ClockField(label="Heure", error_messages={"required": "Inscrivez l’heure."})
    seen = SeenField(widget=forms.HiddenInput, required=False, min_value=1, max_value=2**63 - 1)


class CommunicationFormSet(forms.BaseFormSet):
    """Rows left blank are ignored; a row of the request is taken back by its box."""

    def add_fields(self, form, index):
        super().add_fields(form, index)
        form.fields["DELETE"].label = "Retirer cette communication"

    def get_form_kwargs(self, index):
        blank = {} if index is None else {"empty_permitted": True, "use_required_attribute": False}
        return super().get_form_kwargs(index) | blank

    def rows(self) -> list[dict]:
        """The communications to keep, as rows."""
        kept = [form for form in self.forms if form.has_changed() and form not in self.deleted_forms]
        return [{name: value for name, value in form.row().items() if name not in ("seen", "DELETE")} for form in kept]

    def awaited(self) -> list[tuple[str, str]]:
        """(label, message) of what an estimate waits for: the first error of each row."""
        wrong = [(number, form) for number, form in enumerate(self.forms, start=1) if form.errors]
        found = [(number, form, next(iter(form.errors))) for number, form in wrong]
        said = [(f"Communication {number}, {form[name].label}", form.errors[name][0]) for number, form, name in found]
        return said + [("Communications", error) for error in self.non_form_errors()]

    def made(self) -> list[str]:
        """The channel of each communication as the page shows it, valid or not."""
        shown = [form for form in self.forms if not form["DELETE"].value()]
        return [row["channel"].value() for row in shown if row["date"].value() or row["purpose"].value()]

    def words(self) -> list[tuple[str, str]]:
        """Each communication as it was typed, one line."""
        names = ("date", "time", "purpose", "purpose_text", "requested_by_name", "justification")
        rows = [[_text(form[name]) for name in names] for form in self.forms]
        return [
            (f"Communication {number}", ", ".join(filter(None, row))) for number, row in enumerate(rows, 1) if any(row)
        ]

    def seen(self) -> set[int]:
        """The rows of the request that the person was shown, blanked ones included."""
        shown = (form["seen"].data or "" for form in self.forms)
        return set(map(keyset.number, shown)) - {0}


def _text(bound) -> str:
    value = str(bound.value() or "").strip()
    return str(dict(getattr(bound.field, "choices", ())).get(value, value))


Communications = forms.formset_factory(
    RowForm,
    formset=CommunicationFormSet,
    extra=0,
    can_delete=True,
    max_num=MAX_COMMUNICATIONS,
    absolute_max=MAX_COMMUNICATIONS + 1,
    validate_max=True,
)


def row_initial(communication) -> dict:
    """A stored communication as the initial values of its row."""
    row = row_of(communication)
    made_at = timezone.localtime(row.pop("made_at"))
    return row | {"seen": communication.pk, "date": made_at.date(), "time": hour(made_at)}


def typed(data, prefix: str, *, at: datetime) -> list[dict]:
    """What a posted formset held, to show again unjudged, without the rows nobody filled in.

    « Maintenant » dates its row at `at`: that row counts as filled in.
    """
    total = data.get(f"{prefix}-TOTAL_FORMS", "")
    count = min(int(total), MAX_COMMUNICATIONS) if total.isascii() and total.isdecimal() and len(total) < 5 else 0
    names = [*RowForm.base_fields, "DELETE"]
    rows = [{name: data.get(f"{prefix}-{index}-{name}", "") for name in names} for index in range(count)]
    for index, row in enumerate(rows):
        if data.get("maintenant") == str(index):
            row |= {"date": timezone.localdate(at).isoformat(), "time": hour(at)}
    return [row for row in rows if any(value for name, value in row.items() if name != "channel")]
