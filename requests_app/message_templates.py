"""« Modèles de message »: texts of the BI with variables in braces, which a request fills in.

The variables are a closed list, and none says anything of a patient or of a professional.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.french import NBSP, duration, hour, long_date
from accounts.models import User
from accounts.roles import Role
from requests_app.models import MessageTemplate, ServiceRequest
from requests_app.sheet import area_of, may_see_patient
from requests_app.workflow import NotAllowed

# As long as a message may be (written.Message).
LONGEST = 4000
_VARIABLE = re.compile(r"\{([^{}]*)\}")
Audience = MessageTemplate.Audience


@dataclass(frozen=True)
class Filling:
    """What a template is filled in with: a request, who reads the message, when."""

    service_request: ServiceRequest
    reader: User | None  # an interpreter, or nobody in particular: the requester
    at: datetime


@dataclass(frozen=True)
class Variable:
    """One name of the closed list: what it says, an example, the longest it can be, and how it is found."""

    name: str
    says: str
    sample: str
    longest: int
    value: Callable[[Filling], str]
    is_for_requester: bool = True

    @property
    def written(self) -> str:
        return f"{{{self.name}}}"


def _due(given: Filling) -> datetime:
    """The day that counts: when a service begins, when a translation is to be handed in."""
    made = given.service_request
    return made.starts_at if made.is_spoken else made.ends_at


def _length(given: Filling) -> str:
    """Whole days on the clock, clock change or not; anything else is elapsed time."""
    made = given.service_request
    start, end = (timezone.localtime(instant).replace(tzinfo=None) for instant in (made.starts_at, made.ends_at))
    days, rest = divmod(end - start, timedelta(days=1))
    return f"{days}{NBSP}jour{'s' if days > 1 else ''}" if days and not rest else duration(made.booked_minutes)


def _institution(given: Filling) -> str:
    """The institution, or its « secteur » for an interpreter from whom the place is hidden (domain, « Privacy »)."""
    made, reader = given.service_request, given.reader
    is_known = reader is None or may_see_patient(made, reader, at=given.at)
    return made.institution.name if is_known else area_of(made)


VARIABLES = [
    Variable("numero", "le numéro de la demande", "4821", 12, lambda given: str(given.service_request.pk)),
    Variable(
        "prenom",
        "le prénom de l’interprète",
        "Lucía",
        60,
        lambda given: given.reader.first_name if given.reader else "",
        is_for_requester=False,
    ),
    Variable("langue", "la langue", "espagnol", 60, lambda given: given.service_request.language.name),
    Variable(
        "service",
        "le type de service",
        "interprétation en présence",
        60,
        lambda given: given.service_request.get_service_type_display().lower(),
    ),
    Variable("date", "le jour du service", f"mardi 12{NBSP}novembre 2024", 40, lambda given: long_date(_due(given))),
    Variable("heure", "l’heure de début", f"13{NBSP}h", 12, lambda given: hour(_due(given))),
    Variable("duree", "la durée prévue", f"1{NBSP}h{NBSP}30", 20, _length),
    Variable("etablissement", "l’établissement", "CHUM", 120, _institution),
    Variable("secteur", "la ville ou l’arrondissement", "Montréal", 80, lambda given: area_of(given.service_request)),
]
_BY_NAME = {variable.name: variable for variable in VARIABLES}


def variables_for(audience: str) -> list[Variable]:
    return [variable for variable in VARIABLES if variable.is_for_requester or audience != Audience.REQUESTER]


def audience_of(side: User | None) -> Audience:
    """Whom a thread is with: an interpreter, or (None) the requester."""
    return Audience.INTERPRETER if side else Audience.REQUESTER


def faults_of(body: str, audience: str) -> list[str]:
    """What is wrong with the braces of a text, in French, each fault once; nothing when it can be filled in."""
    known = {variable.name for variable in variables_for(audience)}
    names = dict.fromkeys(_VARIABLE.findall(body))
    said = [f"«\u00a0{{{name.strip()}}}\u00a0» n’est pas une variable." for name in names if _plain(name) not in known]
    if re.search("[{}]", _VARIABLE.sub("", body)):
        said.append("Une accolade est seule\u00a0: une variable s’écrit entre deux accolades, {numero}.")
    if said:
        written = ", ".join(variable.written for variable in variables_for(audience))
        said.append(f"Les variables sont {written}.")
    return said or _too_long(body)


def _too_long(body: str) -> list[str]:
    most = len(fill(body, {name: "x" * variable.longest for name, variable in _BY_NAME.items()}))
    return [f"Rempli, ce texte peut dépasser {LONGEST} caractères\u00a0: raccourcissez-le."] if most > LONGEST else []


def fill(body: str, values: Mapping[str, str]) -> str:
    """The text with each variable replaced, once: what a value holds is never read again. Unknown names stay."""
    return _VARIABLE.sub(lambda found: values.get(_plain(found[1]), found[0]), body)


def _plain(name: str) -> str:
    """« Numéro » is « numero »: people type the accents of their language."""
    return unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode().strip().lower()


def values_of(service_request: ServiceRequest, side: User | None, *, at: datetime) -> dict[str, str]:
    """What each variable is for a request, in a message to `side` (None: the requester); no statement."""
    given = Filling(service_request, side, at)
    return {variable.name: variable.value(given) for variable in VARIABLES}


def sample() -> dict[str, str]:
    """The variables of a request that does not exist, for « Aperçu »."""
    return {variable.name: variable.sample for variable in VARIABLES}


# Verbs


class Changed(NotAllowed):
    """Somebody else saved the template since its page was opened."""


@transaction.atomic
def save(
    template: MessageTemplate | None, *, by: User, at: datetime, seen: datetime | None = None, **fields
) -> MessageTemplate:
    """A new template, or `template` with `fields` (name, audience, body). Raises Changed, NotAllowed.

    `seen` is when the page that was filled in had it last changed.
    """
    if by.role != Role.COORDINATOR:
        raise NotAllowed("Seule la coordination écrit les modèles de message.")
    if faults := faults_of(fields["body"], fields["audience"]):
        raise NotAllowed(" ".join(faults))
    made = MessageTemplate()
    if template:
        made = MessageTemplate.objects.select_for_update(of=("self",)).filter(pk=template.pk).first()
        if made is None or made.changed_at != seen:
            raise Changed("Ce modèle a été modifié ou supprimé depuis que vous l’avez ouvert.")
    for name, value in (fields | {"changed_by": by, "changed_at": at}).items():
        setattr(made, name, value)
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError as error:
        raise NotAllowed(_TAKEN) from error
    return made


_TAKEN = MessageTemplate._meta.constraints[0].violation_error_message


def remove(template: MessageTemplate, *, by: User) -> None:
    """Messages already written from it stay as they are. Raises NotAllowed for who may not."""
    if by.role != Role.COORDINATOR:
        raise NotAllowed("Seule la coordination supprime un modèle de message.")
    MessageTemplate.objects.filter(pk=template.pk).delete()


def with_text(typed: str, added: str) -> str:
    """What somebody typed stays, and a template comes after it."""
    return "\n\n".join(part for part in (typed.strip(), added.strip()) if part)
