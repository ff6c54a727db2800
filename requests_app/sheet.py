"""The facts of a request that one person may read, as (label, value) pairs by section (domain.md, « Privacy »)."""

import re
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.text import capfirst

from accounts import phones
from accounts.french import duration, hour, long_date
from accounts.models import User
from accounts.roles import Role
from requests_app.models import ServiceRequest
from requests_app.workflow import BOOKED, ServiceType, Status

# The facts where a changed field shows; what is not here has the field's own label.
_SHOWN_AS = {
    "language": ["Langue"],
    "facility": ["Installation", "Adresse", "Secteur"],
    **dict.fromkeys(["service_type", "starts_at", "ends_at"], ()),  # compared in the words of the page
}
_NUMBER = re.compile(
    r"(?P<number>\+?[0-9(][0-9\s().-]{5,24}[0-9])(?:[\s,]*poste\s*(?P<extension>[0-9]{1,6}))?", re.IGNORECASE
)
# An interpreter keeps the patient's data this long after Achevé.
KEPT_AFTER_VALIDATION = timedelta(days=90)


def may_see_patient(service_request: ServiceRequest, user: User, *, at: datetime) -> bool:
    """The interpreter while reserved, modified, provided, and 90 days after Achevé; who organises the service always.

    A validator checks what was done and paid, which needs no patient.
    """
    if user.role in {Role.COORDINATOR, Role.REQUESTER}:
        return True
    if service_request.interpreter_id != user.pk:
        return False
    is_recent = service_request.validated_at and at - service_request.validated_at <= KEPT_AFTER_VALIDATION
    return service_request.status in BOOKED or bool(service_request.status == Status.COMPLETED and is_recent)


def place_for(service_request: ServiceRequest, user: User, *, at: datetime) -> str:
    """Where it happens, in one line: the place, or its « secteur » for whom the patient is hidden."""
    return service_request.place if may_see_patient(service_request, user, at=at) else area_of(service_request)


def area_of(service_request) -> str:
    """The « secteur »: what may be said of a place to anybody it is offered to."""
    facility = service_request.facility
    return facility.area if facility else service_request.institution.region.name


def communications_requested(service_request) -> str:
    """« oui » or « non »; nothing for a relay, which is itself the communications made."""
    if service_request.service_type == ServiceType.MESSAGE_RELAY:
        return ""
    return "oui" if service_request.are_communications_requested else "non"


def sheet(service_request: ServiceRequest, user: User, *, at: datetime) -> list[dict]:
    """Sections of a request's page; only what has a value, only what this person may know at this instant."""
    knows = may_see_patient(service_request, user, at=at)
    sections = [("Rendez-vous", [*_appointment(service_request), *_place(service_request, knows)])]
    if knows:
        sections.append(("Personnes", _people(service_request)))
    asked = [
        ("Communications demandées", communications_requested(service_request)),
        ("Consignes", service_request.instructions if knows else ""),
    ]
    sections.append(("Ce qui est demandé", asked))
    if user.role != Role.INTERPRETER:
        sections.append(("Suivi", _follow_up(service_request, user)))
    known = [(title, [(label, value) for label, value in facts if value]) for title, facts in sections]
    return [{"title": title, "facts": facts} for title, facts in known if facts]


def changed_labels(service_request: ServiceRequest, changed: dict) -> set[str]:
    """The labels of the facts to mark, from the fields as `changes.unseen` gives them: {name: [before, after]}.

    The times are compared in words: another hour of the same day leaves the date unmarked.
    """
    given = {name: getattr(service_request, name) for name in ("service_type", "starts_at", "ends_at", "language")}
    for name in given.keys() & changed.keys() - {"language"}:
        before = changed[name][0]
        given[name] = parse_datetime(before) if name.endswith("_at") else before
    was = dict(_appointment(ServiceRequest(**given)))
    moved = {label for label, value in _appointment(service_request) if was.get(label) != value}
    field = ServiceRequest._meta.get_field
    return moved.union(*(_SHOWN_AS.get(name, [capfirst(field(name).verbose_name)]) for name in changed))


def _appointment(service_request):
    start, end = service_request.starts_at, service_request.ends_at
    yield "Langue", service_request.language.name.capitalize()
    yield "Service", service_request.get_service_type_display()
    if service_request.is_spoken:
        yield "Date", long_date(start)
        yield "Heure", f"{hour(start)} à {hour(end)}"
        yield "Durée prévue", duration(service_request.booked_minutes)
    else:
        yield "Disponible à partir de", f"{long_date(start)}, {hour(start)}"
        yield "À remettre avant", f"{long_date(end)}, {hour(end)}" if end > start else ""


def _place(service_request, knows):
    facility = service_request.facility
    if not knows:
        yield "Secteur", area_of(service_request)
        return
    yield "Établissement", service_request.institution.name
    if facility:
        yield "Installation", facility.name
        yield "Adresse", facility.address


def _people(service_request):
    yield "Professionnel(le)", service_request.professional_name
    yield "Téléphone du (de la) professionnel(le)", telephone(service_request.professional_phone)
    yield "Usager", service_request.patient_name
    yield "Téléphone de l’usager", telephone(service_request.patient_phone)
    yield "Numéro de dossier", service_request.patient_file_number


def telephone(number: str) -> str:
    """A number to press; what does not read as one number, with its « poste » or without, stays the text typed."""
    found = _NUMBER.fullmatch(number.strip())
    if not found:
        return number
    address = re.sub("[^0-9+]", "", found["number"]) + (f";ext={found['extension']}" if found["extension"] else "")
    return format_html('<a href="tel:{}">{}</a>', address, number)


def _follow_up(service_request, user):
    yield from _holder(service_request.interpreter, user)
    yield "Demandée par", str(service_request.requested_by)
    yield "Créée le", f"{long_date(service_request.created_at)}, {hour(service_request.created_at)}"
    if service_request.relayed_from_id:
        yield "Transmission de", f"Demande {service_request.relayed_from_id}"
    yield "Motif d’annulation", service_request.get_cancellation_reason_display()


def _holder(interpreter, user):
    """Who has it; with the page and the ways to reach them of the coordination."""
    if interpreter is None or user.role != Role.COORDINATOR:
        yield "Interprète", str(interpreter or "")
        return
    phone, email = interpreter.mobile_phone, interpreter.email
    yield "Interprète", _link(reverse("requests:interpreter", args=[interpreter.pk]), interpreter)
    yield "Téléphone de l’interprète", _link(f"tel:{phone}", phones.written(phone))
    yield "Courriel de l’interprète", _link(f"mailto:{email}", email)


def _link(address: str, text) -> str:
    return format_html('<a href="{}">{}</a>', address, text) if text else ""
