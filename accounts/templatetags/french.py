"""accounts/french.py for templates; loaded everywhere by settings. What is absent (None, "") prints nothing."""

from collections.abc import Callable
from functools import partial, wraps

from django import template
from django.template import defaultfilters

from accounts import french, phones

register = template.Library()


def _filter(name: str, write: Callable[..., str]) -> None:
    @wraps(write)
    def filtered(value, *args):
        return "" if value is None or value == "" else write(value, *args)

    register.filter(name, filtered)


_filter("heure", french.hour)
_filter("date_longue", french.long_date)
_filter("date_courte", french.short_date)
_filter("jour_court", partial(french.short_date, weekday=True))
_filter("argent", french.money)
_filter("nombre", french.decimal)
_filter("km", french.km)
_filter("duree", french.duration)
_filter("numero", phones.written)


@register.filter
def pluralize(value, forms: str = "s") -> str:
    """Django's, where the plural begins at 2 as in French: « 0 ligne », « 1,5 heure », « 2 lignes »."""
    number = len(value) if hasattr(value, "__len__") and not isinstance(value, str) else float(value)
    return defaultfilters.pluralize(1 if abs(number) < 2 else 2, forms)
