"""Finding one's requests by number, language or place; never by what the person may not read now."""

from datetime import datetime

from django.db.models import Q

from accounts import keyset
from requests_app.sheet import KEPT_AFTER_VALIDATION
from requests_app.workflow import BOOKED, Status


def found_by(search: str, *, at: datetime) -> Q:
    """Rows of an interpreter in which each word is the number (« #84 » too), or in the language or the place.

    Accents do not count. The place is what `sheet.place_for` says: of an offer, of a cancelled request, or 90 days
    after Achevé, its « secteur » alone.
    """
    found = Q()
    for word in search.replace("#", " ").split():
        found &= _number(word) | Q(language__name__unaccent__icontains=word) | _place(word, at)
    return found


def _number(word: str) -> Q:
    found = keyset.number(word)
    return Q(pk=found) if found else Q()


def _place(word: str, at: datetime) -> Q:
    is_known = Q(status__in=BOOKED) | Q(status=Status.COMPLETED, validated_at__gte=at - KEPT_AFTER_VALIDATION)
    area = Q(facility__area__unaccent__icontains=word)
    area |= Q(facility=None, institution__region__name__unaccent__icontains=word)
    name = Q(facility__name__unaccent__icontains=word)
    name |= Q(facility=None, institution__name__unaccent__icontains=word)
    return area & ~is_known | name & is_known
