"""The communications of a report: one form a row, as many as needed, with or without JavaScript."""

from django import forms
from django.utils import timezone

from accounts import keyset
from accounts.french import hour
from completion.communications import row_of
from requests_app.forms import CommunicationForm

MAX_COMMUNICATIONS = 50


class SeenField(forms.IntegerField):
    """The row a form shows; alone it is no change."""

    def has_changed(self, initial, data):
        return False


class RowForm(CommunicationForm):
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

    def seen(self) -> set[int]:
        """The rows of the request that the person was shown, blanked ones included."""
        shown = (form["seen"].data or "" for form in self.forms)
        return set(map(keyset.number, shown)) - {0}


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


def typed(data, prefix: str) -> list[dict]:
    """What a posted formset held, to show again unjudged, without the rows nobody filled in."""
    total = data.get(f"{prefix}-TOTAL_FORMS", "")
    count = min(int(total), MAX_COMMUNICATIONS) if total.isascii() and total.isdecimal() and len(total) < 5 else 0
    names = [*RowForm.base_fields, "DELETE"]
    rows = [{name: data.get(f"{prefix}-{index}-{name}", "") for name in names} for index in range(count)]
    return [row for row in rows if any(value for name, value in row.items() if name != "channel")]
