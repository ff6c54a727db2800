"""« Services et territoire »: what each interpreter takes on and how far they go, kept by the BI, read by both."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import F, Func, IntegerField, OuterRef, Value
from django.db.models.functions import Concat

from accounts.french import NBSP, km
from accounts.models import AccountEvent, HealthRegion, InterpreterProfile, User
from accounts.roles import Role
from accounts.services import lock, record
from requests_app.sourcing import REACH_KM, Practice
from requests_app.workflow import NotAllowed, ServiceType


@dataclass(frozen=True)
class Territory:
    """What one reads of it: the services, the region of the home institution, the others, and the reach by road."""

    services: tuple[str, ...]
    home_region: str
    other_regions: tuple[str, ...]
    reach_km: int
    is_usual: bool  # nothing was written: every service, REACH_KM

    @property
    def reach(self) -> str:
        return km(self.reach_km)


def region_names(codes: str) -> ArraySubquery:
    """« 06 Montréal », in order, of the codes that the array field `codes` of the outer row holds."""
    written = Concat("code", Value(" "), "name")
    place = Func(OuterRef(codes), F("code"), function="array_position", output_field=IntegerField())
    held = HealthRegion.objects.alias(place=place).filter(place__isnull=False).order_by("code")
    return ArraySubquery(held.annotate(written=written).values("written"))


def territory(practice: Practice | None, home_region: str, other_regions: Collection[str]) -> Territory:
    """`practice` as it reads; without one, what the system takes for granted."""
    kinds = practice.service_types if practice else ServiceType.values
    return Territory(
        services=tuple(kind.label for kind in ServiceType if kind in kinds),
        home_region=home_region,
        other_regions=tuple(other_regions),
        reach_km=practice.reach_km if practice else REACH_KM,
        is_usual=practice is None,
    )


def territory_of(interpreter: User) -> Territory | None:
    """What an interpreter reads of their own; None without a profile. One statement."""
    rows = InterpreterProfile.objects.filter(user=interpreter).select_related("user__practice")
    rows = rows.annotate(home=Concat(F("home_institution__region_id"), Value(" "), "home_institution__region__name"))
    profile = rows.annotate(others=region_names("user__practice__regions")).first()
    return profile and territory(getattr(profile.user, "practice", None), profile.home, profile.others)


@transaction.atomic
def change_practice(
    interpreter: User, *, by: User, at: datetime, service_types: Collection, regions: Collection, reach_km: int
) -> bool:
    """Write what an interpreter takes on; `regions` are codes, that of the home institution goes without saying.

    Returns whether anything changed, which is then in the account's history. Raises NotAllowed for who may not.
    """
    if by.role != Role.COORDINATOR:
        raise NotAllowed("Seule la coordination change les services et le territoire.")
    lock(interpreter)
    home = interpreter.interpreter_profile.home_institution.region_id
    kinds = [kind.value for kind in ServiceType if kind in service_types]
    given = {"service_types": kinds, "regions": sorted(set(regions) - {home}), "reach_km": reach_km}
    held = Practice.objects.filter(interpreter=interpreter).first()
    if held and all(getattr(held, name) == value for name, value in given.items()):
        return False
    Practice.objects.update_or_create(interpreter=interpreter, defaults=given)
    record(interpreter, AccountEvent.Kind.PRACTICE_CHANGED, by=by, at=at, detail=_detail(**given))
    return True


def _detail(service_types, regions, reach_km) -> str:
    others = f"régions {', '.join(regions)}" if regions else "aucune autre région"
    return f"{len(service_types)}{NBSP}services, {others}, {km(reach_km)}"[:120]
