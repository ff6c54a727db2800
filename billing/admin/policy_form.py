"""The draft of a tariff as it is typed: with a comma, within what is plausible, each refusal beside its field."""

import re
from datetime import date
from decimal import Decimal

from django import forms
from django.db import models
from django.utils import timezone

from accounts.french import NBSP, date_words
from billing import stakes, tariffs
from billing.models import PayPolicy, rate_places
from billing.tariff_words import MOST_MOVE_PERCENT, WORDS

_DAY = 24 * 60
# Beyond, a comma is missing; the same for every rate in dollars and for the threshold in kilometres.
MOST = Decimal(9999)
# The least and the most of each number of minutes.
MINUTES = {"minimum_minutes": (0, _DAY), "increment_minutes": (1, 240)}
# In cents: no smaller coin pays them.
IN_CENTS = ("hourly_rate", "communication_fee")
CHANGED = (
    "Ce brouillon a été enregistré depuis que vous l’avez ouvert, dans un autre onglet ou par quelqu’un d’autre. "
    "Comparez, puis enregistrez."
)


class RateField(forms.DecimalField):
    """A number as people write it: « 43,50 $ », « 1 250.00 », « 16 km »; « 1e2 » is a typing error."""

    default_error_messages = {"invalid": "Inscrivez un nombre\u00a0: 43,50."}

    def to_python(self, value):
        text = re.sub(r"\s|\$$|km$", "", "" if value is None else str(value).strip())
        if text and not re.fullmatch(r"-?[0-9]+([.,][0-9]*)?", text):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(text.replace(",", "."))


class PolicyForm(forms.ModelForm):
    """Rates are typed and shown with a comma; a point is read too. `refusal` says why it could not be written."""

    refusal = ""

    class Meta:
        localized_fields = [field.name for field in PayPolicy._meta.fields if isinstance(field, models.DecimalField)]
        field_classes = dict.fromkeys(localized_fields, RateField)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if mode := self.fields.get("mileage_mode"):
            mode.choices = [choice for choice in mode.choices if choice[0]]
        # Whoever only reads has none of the fields.
        for name in self.fields.keys() & set(self._meta.localized_fields):
            rate = self.initial[name]
            self.initial[name] = round(rate, rate_places(rate))

    def clean_effective_from(self):
        return _plausible(self.cleaned_data["effective_from"])

    def clean(self):
        """What a hand may type wrong: a number of minutes or a rate that nobody pays."""
        given = super().clean()
        for name, (least, most) in MINUTES.items():
            if given.get(name) is not None and not least <= given[name] <= most:
                self.add_error(name, f"De {least} à {most}{NBSP}minutes.")
        for name in self._meta.localized_fields:
            if given.get(name) is not None and given[name] > MOST:
                self.add_error(name, "9\u00a0999 au plus\u00a0: vérifiez la virgule.")
        for name in IN_CENTS:
            if given.get(name) is not None and given[name] != round(given[name], 2):
                self.add_error(name, "Deux décimales au plus.")
        if self.refusal:
            self.add_error(None, self.refusal)
        else:
            self._check_seen(tariffs.locked_draft(self.instance), given)
        return given

    def _check_seen(self, stored, given):
        """The row is still the one the page showed (`vu`); when not, say beside each field what it is now."""
        if self.data.get("vu") == stakes.fingerprint(stored):
            return
        self.add_error(None, CHANGED)
        now = {"effective_from": date_words(stored.effective_from)}
        now |= {name: say(getattr(stored, name)) for name, (_, say) in WORDS.items()}
        for name in [name for name in now if name in given and given[name] != getattr(stored, name)]:
            self.add_error(name, f"Enregistré entre-temps{NBSP}: {now[name]}.")


class PublishForm(forms.Form):
    """What is ticked before a tariff is published: only what is to be asked of it."""

    is_past_accepted = forms.BooleanField(
        label="Publier pour une date passée", error_messages={"required": "Cochez pour confirmer la date passée."}
    )
    is_doubt_accepted = forms.BooleanField(
        label=f"Publier les montants qui changent de plus de {MOST_MOVE_PERCENT}{NBSP}%",
        error_messages={"required": "Vérifiez les montants marqués, puis cochez pour les confirmer."},
    )

    def __init__(self, data=None, *, found):
        super().__init__(data)
        asked = {"is_past_accepted": found.is_past, "is_doubt_accepted": found.has_doubts}
        for name in [name for name in asked if not asked[name]]:
            del self.fields[name]


class CopyForm(forms.Form):
    """From when the copy of a tariff is to be in force."""

    effective_from = forms.DateField(
        label="En vigueur le", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args, **kwargs):
        # The page of a draft has another field of this name.
        super().__init__(*args, auto_id="id_copie_%s", **kwargs)

    def clean_effective_from(self):
        return _plausible(self.cleaned_data["effective_from"])


def _plausible(day: date) -> date:
    if error := stakes.date_error(day, at=timezone.now()):
        raise forms.ValidationError(error)
    return day
