"""Plain builders: Alice (who owns the request), Bob (a colleague), Charlie (a stranger), and the people around them.

A request reaches its status by the verbs themselves, at the instants given. Time is an argument; NOW is a Monday.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.devices import Channel, SecondFactor
from accounts.models import CodeDevice, Institution, InterpreterProfile, Language, User
from accounts.roles import Role
from billing.models import PayPolicy
from requests_app import exchanges, exclusions, message_templates, offers, services
from requests_app.models import (
    Absence,
    CalendarFeed,
    CancellationReason,
    Facility,
    MessageTemplate,
    Purpose,
    ServiceRequest,
)
from requests_app.sourcing import Exclusion
from requests_app.workflow import ServiceType, Status

TORONTO = ZoneInfo("America/Toronto")
NOW = datetime(2025, 3, 3, 10, tzinfo=TORONTO)
START = datetime(2025, 3, 6, 13, tzinfo=TORONTO)
LENGTH = timedelta(minutes=90)
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
PASSWORD = "trois petits mots"

# Nobody else in the tests has these: whoever finds one outside a request has found a leak.
PERSONAL = {
    "professional_name": "Dre Zéphyrine Quanteau",
    "professional_phone": "514-555-0177",
    "patient_name": "Ulric Vandemoortele",
    "patient_phone": "438-555-0142",
    "patient_file_number": "DX-774411",
    "instructions": "Entrer par la porte bleue du sous-sol.",
}


def local(text: str) -> datetime:
    """« 2025-03-06 13:00 » on the clock of Montréal."""
    return datetime.fromisoformat(text).replace(tzinfo=TORONTO)


# People


def person(name: str, role: Role, **fields) -> User:
    """The account of `name`, made at the first call."""
    username = name.lower()
    if known := User.objects.filter(username=username).first():
        return known
    given = {"first_name": name, "last_name": f"Nom-de-{name}", "email": f"{username}@exemple.test", "role": role}
    user = User.objects.create_user(username, password=PASSWORD, **given | fields)
    return protected(user) if user.is_bi_staff else user


def protected(user: User, number="+15145550199") -> User:
    """With a second factor: codes by SMS, which the BI must have (ruling 8) and others may."""
    user.mobile_phone, user.second_factor = user.mobile_phone or number, SecondFactor.SMS
    user.save()
    CodeDevice.objects.get_or_create(user=user, channel=Channel.SMS, confirmed=True)
    return user


def interpreter(name: str) -> User:
    """An interpreter who speaks the language of the requests made here."""
    user = person(name, Role.INTERPRETER)
    profile, _ = InterpreterProfile.objects.get_or_create(user=user, defaults={"home_institution": institution()})
    profile.languages.add(language())
    return user


def alice() -> User:
    return interpreter("Alice")


def bob() -> User:
    return interpreter("Bob")


def charlie() -> User:
    return interpreter("Charlie")


def requester() -> User:
    return person("Rita", Role.REQUESTER, institution=institution())


def other_requester() -> User:
    """A requester of another institution."""
    return person("Otto", Role.REQUESTER, institution=other_institution())


def coordinator() -> User:
    return person("Corinne", Role.COORDINATOR)


def validator() -> User:
    return person("Valère", Role.VALIDATOR)


def administrator() -> User:
    return person("Adèle", Role.ADMINISTRATOR)


def system() -> User:
    return User.objects.system()


# Places


def institution() -> Institution:
    return Institution.objects.get(name="CHUM")


def other_institution() -> Institution:
    return Institution.objects.get(name="CUSM")


def facility(name="Clinique des Érables", of: Institution | None = None) -> Facility:
    """A place of the institution, made at the first call."""
    owner = of or institution()
    place = {"address": "1, rue de l’Essai", "area": "Montréal", "region": owner.region}
    point = {"latitude": owner.latitude, "longitude": owner.longitude}
    made, _ = Facility.objects.get_or_create(institution=owner, name=name, defaults={**place, **point})
    return made


def language(code="espagnol") -> Language:
    return Language.objects.get(code=code)


# Tariffs


def policy(effective_from: str, *, state=PayPolicy.State.PUBLISHED, **rates) -> PayPolicy:
    """A tariff like the one in force on NOW, but for `rates`: published unless said otherwise."""
    known = PayPolicy.objects.published().filter(effective_from__lte=NOW).latest("effective_from").as_rules()
    values = {name: getattr(known, name) for name in known.__dataclass_fields__} | {"effective_from": effective_from}
    published_at = None if state == PayPolicy.State.DRAFT else NOW
    return PayPolicy.objects.create(**values | {"state": state, "published_at": published_at} | rates)


# Requests, in each status. `at` is when everything before the service happens.


def details(**fields) -> dict:
    """What a requester asks, on site, on START, for LENGTH."""
    starts_at = fields.get("starts_at", START)
    service_type = fields.get("service_type", ServiceType.ON_SITE)
    personal = {} if service_type == ServiceType.MESSAGE_RELAY else PERSONAL
    return {
        "service_type": service_type,
        "institution": institution(),
        "facility": facility(),
        "language": language(),
        "starts_at": starts_at,
        "ends_at": starts_at + LENGTH,
        **personal,
        **fields,
    }


def unallocated(*, at=NOW, by=None, note="", **fields) -> ServiceRequest:
    made = services.submit(by=by or requester(), at=at, note=note, **details(**fields))
    return ServiceRequest.objects.get(pk=made.pk)


def pending(*interpreters: User, at=NOW, answer_by=None, **fields) -> ServiceRequest:
    """Offered to the interpreters, to Alice when none is named; they speak its language."""
    made = unallocated(at=at, **fields)
    deadline, asked = answer_by or made.starts_at, interpreters or [alice()]
    for who in asked:
        who.interpreter_profile.languages.add(made.language_id)
    offers.offer(made, asked, by=coordinator(), at=at, answer_by=deadline)
    return made


def reserved(by: User | None = None, *, at=NOW, **fields) -> ServiceRequest:
    """Accepted by an interpreter, Alice when none is named."""
    who = by or alice()
    made = pending(who, at=at, **fields)
    offers.accept(made, by=who, at=at)
    return made


def modified(by: User | None = None, *, at=NOW, **fields) -> ServiceRequest:
    """Reserved, then made half an hour longer."""
    made = reserved(by, at=at, **fields)
    longer = made.ends_at + timedelta(minutes=30)
    services.modify(made, by=coordinator(), at=at, note="Entente par téléphone.", ends_at=longer)
    return made


def provided(by: User | None = None, *, at=NOW, **fields) -> ServiceRequest:
    """Reserved, then reported at its end (without the « Détails de l'achèvement », which another room keeps)."""
    made = reserved(by, at=at, **fields)
    services.report(made, is_rendered=True, by=made.interpreter, at=made.ends_at)
    return made


def cancelled(by: User | None = None, *, at=NOW, **fields) -> ServiceRequest:
    """Reserved, then cancelled by its requester at the same instant."""
    made = reserved(by, at=at, **fields)
    services.cancel(made, by=requester(), at=at, reason=CancellationReason.BY_REQUESTER)
    return made


def completed(by: User | None = None, *, at=NOW, **fields) -> ServiceRequest:
    made = provided(by, at=at, **fields)
    services.validate(made, by=validator(), at=made.ends_at + HOUR)
    return made


BUILDERS = {
    Status.UNALLOCATED: unallocated,
    Status.PENDING: pending,
    Status.RESERVED: reserved,
    Status.MODIFIED: modified,
    Status.PROVIDED: provided,
    Status.CANCELLED: cancelled,
    Status.COMPLETED: completed,
}


def request(status: Status = Status.UNALLOCATED, **fields) -> ServiceRequest:
    """A request in any status, Alice's as soon as it can be."""
    return BUILDERS[Status(status)](**fields)


def absence(of: User | None = None, *, starts_at=START, ends_at=START + LENGTH) -> Absence:
    """A period when an interpreter is not available, Alice when none is named."""
    return Absence.objects.create(interpreter=of or alice(), starts_at=starts_at, ends_at=ends_at)


def feed(of: User | None = None) -> CalendarFeed:
    """The address that a calendar reads, of Alice when none is named."""
    held, _ = CalendarFeed.objects.get_or_create(interpreter=of or alice(), defaults={"created_at": NOW})
    return held


def exclusion(of: User | None = None, *, at=None, days=30, reason="Plainte de la clinique") -> Exclusion:
    """An institution that is not sent an interpreter from `at` (now) on, Alice when none is named; one at a time."""
    who, at = of or alice(), at or timezone.now()
    held = who.exclusions.filter(lifted_at=None).first()
    ends_on = timezone.localdate(at) + timedelta(days=days)
    return held or exclusions.exclude(who, institution(), by=coordinator(), at=at, reason=reason, ends_on=ends_on)


BODY = "Bonjour {prenom}, confirmez-vous la demande {numero} du {date} à {heure}?"


def message_template(name="Confirmer", *, audience="interpreter", body=BODY) -> MessageTemplate:
    """A template of the coordinator's, made at the first call."""
    held = MessageTemplate.objects.filter(name=name, audience=audience).first()
    return held or message_templates.save(None, by=coordinator(), at=NOW, name=name, audience=audience, body=body)


def communication(service_request: ServiceRequest, *, made_at=NOW, by: User | None = None, **fields):
    """One communication logged when it was made."""
    given = {"purpose": Purpose.CONFIRMATION, **fields}
    who = by or service_request.interpreter
    return exchanges.log_communication(service_request, by=who, at=made_at, made_at=made_at, **given)
