"""« Préciser » a communication already logged: what decides whether it is paid, and by what means it was made."""

from copy import deepcopy

from django import forms

from requests_app.forms import CommunicationForm
from requests_app.models import Communication

AMENDED = ("requested_by_name", "justification", "channel")


class AmendForm(forms.Form):
    """The fields of the longer form that a tap leaves out. A page holds several: each has ids of its own."""

    # Both decide the pay where the request asks for no communication: the sentence above them says so.
    conditional_fields = AMENDED

    def __init__(self, data=None, *, row: Communication, asked_by: str = ""):
        """`asked_by` is who asked for the others of this request: proposed where nobody is named yet."""
        known = {name: getattr(row, name) for name in AMENDED}
        known["requested_by_name"] = known["requested_by_name"] or asked_by
        super().__init__(data, initial=known, auto_id=f"id_communication{row.pk}_%s")
        for name in AMENDED:
            self.fields[name] = deepcopy(CommunicationForm.base_fields[name])
            self.fields[name].help_text = ""
