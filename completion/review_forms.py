"""What a validator fills in on the review page: a decision on the file, on one communication, on one frozen line."""

from django import forms

from billing.models import PayLine
from billing.services import LARGEST_AMOUNT
from completion.forms import AmountField
from requests_app.forms import VersionedForm
from requests_app.models import Communication


class DecisionForm(VersionedForm):
    """What a decision was taken on: the version of the request, and the fingerprint of what the page showed."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def clean(self):
        if self.errors.pop("seen", None):
            raise forms.ValidationError("Rouvrez la page, puis recommencez.")
        return super().clean()


class ReturnForm(DecisionForm):
    reason = forms.CharField(
        label="Raison du retour",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Dites à l’interprète ce qui est à corriger."},
    )


class AboutRow:
    """A form for one row of the page among others: `about` it, and with its own identifiers in the page."""

    def __init__(self, data=None, *, about):
        super().__init__(data, auto_id=f"id_%s_{about.pk}")
        self.about = about


class AcceptForm(AboutRow, DecisionForm):
    reason = forms.CharField(
        label="Raison",
        max_length=Communication._meta.get_field("accepted_reason").max_length,
        error_messages={"required": "Dites pourquoi cette communication est payée."},
    )


class AdjustForm(AboutRow, forms.Form):
    amount = AmountField(
        label="Montant juste ($)",
        required=True,
        max_value=LARGEST_AMOUNT,
        max_digits=9,
        decimal_places=2,
        error_messages={"required": "Donnez le montant juste, en dollars et en cents."},
    )
    reason = forms.CharField(
        label="Raison",
        max_length=PayLine._meta.get_field("reason").max_length,
        error_messages={"required": "Dites à l’interprète pourquoi la ligne est corrigée."},
    )
