"""How people write the numbers and times of a report: an amount, a whole number, a time on a telephone's digits."""

import re

from django import forms

from accounts.french import decimal
from requests_app.forms import TimeField


def _short(size: int, **attrs) -> forms.TextInput:
    return forms.TextInput(attrs={"size": size, **attrs})


_REFUSED = {
    "min_value": "Inscrivez 0 ou plus.",
    "max_digits": "Ce nombre est trop grand.",
    "max_whole_digits": "Ce nombre est trop grand.",
    "max_decimal_places": "Ce nombre a trop de décimales.",
}


class AmountField(forms.DecimalField):
    """A number as people write it: « 18,4 », « 18.4 km », « 1 250,00 $ »."""

    def __init__(self, **kwargs):
        usual = {"min_value": 0, "required": False, "widget": _short(8, inputmode="decimal")}
        said = _REFUSED | {"invalid": "Inscrivez un nombre\u00a0: 18,4."} | kwargs.pop("error_messages", {})
        super().__init__(error_messages=said, **usual | kwargs)

    def to_python(self, value):
        text = re.sub(r"\s", "", "" if value is None else str(value)).replace(",", ".")
        return super().to_python(re.sub(r"(km|\$)$", "", text))

    def prepare_value(self, value):
        if value is None or isinstance(value, str):
            return value
        # Cents are written whole: « 6,50 ».
        return decimal(value, self.decimal_places if self.decimal_places == 2 else None)


class WholeField(forms.IntegerField):
    """A whole number, « 1 240 » included."""

    def __init__(self, size=5, **kwargs):
        said = _REFUSED | {"invalid": "Inscrivez un nombre entier.", "max_value": "Ce nombre est trop grand."}
        box = _short(size, inputmode="numeric")
        super().__init__(min_value=0, required=False, widget=box, error_messages=said, **kwargs)

    def to_python(self, value):
        return super().to_python(re.sub(r"\s", "", "" if value is None else str(value)))


class MinutesField(WholeField):
    """A length in minutes, written in hours too: « 90 », « 90 min », « 1 h 30 »."""

    def to_python(self, value):
        text = re.sub(r"\s", "", "" if value is None else str(value)).lower()
        found = re.fullmatch(r"([0-9]{1,2})h([0-5]?[0-9])?(?:min)?", text)
        minutes = int(found[1]) * 60 + int(found[2] or 0) if found else text.removesuffix("min")
        return super().to_python(minutes)


class ClockField(TimeField):
    """A time typed on a telephone's digits: 1410."""

    def widget_attrs(self, widget):
        return super().widget_attrs(widget) | {"inputmode": "numeric", "autocomplete": "off"}
