"""A message template as it is typed; its braces are checked beside the text."""

from django import forms

from requests_app.forms import LinesField
from requests_app.message_templates import faults_of
from requests_app.models import MessageTemplate


class MessageTemplateForm(forms.Form):
    name = forms.CharField(label="Nom", max_length=80, help_text="Ce que la coordination lit pour le choisir.")
    audience = forms.ChoiceField(
        label="Pour",
        choices=MessageTemplate.Audience,
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez à qui ce message s’adresse."},
    )
    body = LinesField(
        label="Texte",
        max_length=2000,
        rows=10,
        help_text="N’écrivez ni le nom d’un usager, ni un renseignement de santé.",
        error_messages={"required": "Écrivez le texte."},
    )
    # When the page that was filled in had the template last changed.
    seen = forms.DateTimeField(required=False, widget=forms.HiddenInput)

    def __init__(self, data=None, *, template: MessageTemplate | None = None):
        given = {name: getattr(template, name) for name in ("name", "audience", "body")} if template else {}
        super().__init__(data, initial=given | ({"seen": template.changed_at.isoformat()} if template else {}))

    def clean(self):
        cleaned = super().clean()
        if "body" in cleaned and "audience" in cleaned:
            if faults := faults_of(cleaned["body"], cleaned["audience"]):
                self.add_error("body", " ".join(faults))
        return cleaned
