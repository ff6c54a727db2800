"""What a validator fills in on the review page: a decision on the file, on a communication, on a line of pay."""

from decimal import Decimal

from django import forms

from accounts.french import day_and_month, decimal, money
from billing.added import MOST_ADDED, NOT_AN_AMOUNT
from billing.ledger import LARGEST_AMOUNT, SAME_AMOUNT, least_amount
from billing.models import AddedLine, PayLine
from completion.fields import AmountField
from requests_app.forms import VersionedForm
from requests_app.models import Communication

NAME_NOBODY = "L’interprète et l’établissement lisent la raison\u00a0: n’y nommez personne."
REOPEN = "Rouvrez la page, puis recommencez."


class DecisionForm(VersionedForm):
    """What a decision was taken on: the version of the request, and the fingerprint of what the page showed."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def clean(self):
        if self.errors.pop("seen", None):
            raise forms.ValidationError(REOPEN)
        return super().clean()


UNTICKED = "Lisez les alertes, puis cochez cette case pour valider quand même."
UNANSWERED = "L’interprète n’a pas répondu\u00a0: cochez cette case pour valider quand même."


class _Tick(forms.BooleanField):
    """Of what this page says, never of what another said: shown again, it is not ticked."""

    def __init__(self, name, **given):
        box = forms.CheckboxInput(attrs={"id": f"id_{name}"}, check_test=lambda value: False)
        super().__init__(widget=box, required=False, **given)


class ValidateForm(DecisionForm):
    """« Valider »: the keys of the alerts that the page showed, the tick that they were read, and the one that says
    that the answer asked for on `returned_at` is not waited for, if any."""

    accepted = _Tick("accepted", label="J’ai vu les alertes")
    unanswered = _Tick("unanswered")

    def __init__(self, data=None, *, returned_at=None):
        super().__init__(data)
        if returned_at:
            day = day_and_month(returned_at)
            self.fields["unanswered"].label = f"Je valide sans réponse à la demande de correction du {day}"
        else:
            del self.fields["unanswered"]

    def clean(self):
        super().clean()
        alerts, ticked = set(self.data.getlist("alerte")), self.cleaned_data
        if alerts and not ticked.get("accepted"):
            self.add_error("accepted", UNTICKED)
        if "unanswered" in self.fields and not ticked.get("unanswered"):
            self.add_error("unanswered", UNANSWERED)
        known = {name: ticked.get(name) for name in ("version", "seen")}
        return known | {"alerts": alerts, "unanswered": bool(ticked.get("unanswered"))}


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


def _dollars(label: str, missing: str) -> AmountField:
    """Dollars and cents; which ones is the form's business, which says it in one sentence."""
    return AmountField(
        label=label,
        required=True,
        min_value=None,
        decimal_places=2,
        error_messages={"required": missing, "invalid": "Inscrivez un montant\u00a0: 82,00."},
    )


class AddLineForm(DecisionForm):
    """« Ajouter une ligne »: the sign is chosen, so that nobody takes off what they meant to add."""

    ADD, TAKE_OFF = "+", "-"
    sign = forms.ChoiceField(
        label="Sens",
        choices=[(ADD, "Ajouter (+)"), (TAKE_OFF, "Retrancher (−)")],
        initial=ADD,
        error_messages={"required": "Dites si la ligne ajoute ou retranche."},
    )
    amount = _dollars("Montant ($)", "Donnez le montant, en dollars et en cents.")
    reason = forms.CharField(
        label="Raison",
        max_length=AddedLine._meta.get_field("reason").max_length,
        help_text=NAME_NOBODY,
        error_messages={"required": "Dites à l’interprète pourquoi la ligne est ajoutée."},
    )

    def __init__(self, data=None):
        super().__init__(data, auto_id="id_added_%s")

    def clean_amount(self):
        amount = self.cleaned_data["amount"]
        if not 0 < amount <= MOST_ADDED:
            raise forms.ValidationError(NOT_AN_AMOUNT)
        return amount

    def clean(self):
        super().clean()
        given = dict(self.cleaned_data)
        if given.pop("sign", self.ADD) == self.TAKE_OFF and "amount" in given:
            given["amount"] = -given["amount"]
        return given


class AdjustForm(AboutRow, forms.Form):
    amount = _dollars("Montant juste ($)", "Donnez le montant juste, en dollars et en cents.")
    reason = forms.CharField(
        label="Raison",
        max_length=PayLine._meta.get_field("reason").max_length,
        help_text=NAME_NOBODY,
        error_messages={"required": "Dites à l’interprète pourquoi la ligne est corrigée."},
    )

    def clean_amount(self):
        amount, least = self.cleaned_data["amount"], least_amount(self.about)
        if not least <= amount <= LARGEST_AMOUNT:
            raise forms.ValidationError(f"Indiquez un montant de {decimal(least)} à {money(LARGEST_AMOUNT)}.")
        if amount == self.about.amount:
            raise forms.ValidationError(SAME_AMOUNT)
        return amount or Decimal(0)
