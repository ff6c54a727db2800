"""What somebody typed and chose on a page that is refused, in words: names rather than keys; nothing is lost."""

from datetime import date

from django.forms import CheckboxInput, HiddenInput

from accounts import keyset
from accounts.french import long_date
from accounts.models import Language, User
from accounts.roles import Role
from requests_app.forms import CancelForm, CommunicationForm, RequestForm
from requests_app.models import CancellationReason, Channel, Purpose
from requests_app.workflow import ServiceType

# More than any page of ours has, and the longest text one may type.
MOST, LONGEST = 20, 4000
_LABELS = {
    name: field.label
    for form in (CommunicationForm, CancelForm, RequestForm)
    for name, field in form.base_fields.items()
    if not isinstance(field.widget, HiddenInput | CheckboxInput)
} | {
    "interpreters": "Interprètes",
    "interpreter": "Interprète",
    "answer_date": "Réponse attendue le",
    "answer_time": "Avant",
    "reason": "Motif",
    "body": "Message",
}
_DATES = {"date", "received_date", "answer_date"}
_CHOICES = {
    "service_type": ServiceType,
    "reason": CancellationReason,
    "purpose": Purpose,
    "channel": Channel,
}


def typed_words(request, service_request) -> list[tuple[str, str]]:
    """(label, what was typed) for each known field of a POST, in the order it was sent."""
    given = [(name, _values(request.POST, name)) for name in request.POST if name in _LABELS]
    said = [(_LABELS[name], _words(name, values, request.user, service_request)) for name, values in given[:MOST]]
    return [(label, words) for label, words in said if words]


def _values(post, name) -> list[str]:
    values = (value.replace("\x00", "").strip()[:LONGEST] for value in post.getlist(name)[:MOST])
    return [value for value in values if value]


def _words(name, values, user, service_request) -> str:
    if name in _DATES:
        return ", ".join(map(_day, values))
    if name in _CHOICES:
        known = dict(_CHOICES[name].choices)
        return ", ".join(known.get(value, value) for value in values)
    rows = _rows(name, user, service_request)
    if rows is None:
        return "\n".join(values)
    if rows.model is not Language:
        values = [value for value in values if keyset.number(value)]
    return ", ".join(str(row) for row in rows.filter(pk__in=values))


def _day(text: str) -> str:
    """A date as a browser sends it, in words; what is none stays as typed."""
    try:
        return long_date(date.fromisoformat(text))
    except ValueError:
        return text


def _rows(name, user, service_request):
    """Where the name of a key is; None for a text. Nobody is named whom the person could not have chosen."""
    if name in ("interpreter", "interpreters"):
        found = User.objects.filter(role=Role.INTERPRETER)
        return found if user.role == Role.COORDINATOR else found.none()
    if name == "language":
        return Language.objects.all()
    return service_request.institution.facilities.all() if name == "facility" else None
