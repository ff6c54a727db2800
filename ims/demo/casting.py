"""Who, where and when: draws the circumstances of a request so that nobody is ever in two places at once."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from accounts.models import InterpreterProfile, User
from ims.demo import texts
from ims.demo.days import Days, instant, is_open, shift, soon
from ims.demo.people import People
from requests_app.distances import road_km
from requests_app.models import Facility, ServiceRequest
from requests_app.workflow import SPOKEN, ServiceType

# Demand in real life (domain.md, « Reference data »), in percent; the other languages of the people share the rest.
DEMAND = {"espagnol": 36, "arabe": 16, "swahili": 9, "nepalais": 8, "rohingya": 4}
SERVICE_WEIGHTS = {
    ServiceType.ON_SITE: 64,
    ServiceType.PHONE: 13,
    ServiceType.VIDEO: 13,
    ServiceType.TRANSLATION: 6,
    ServiceType.REVISION: 4,
}
ANY, ON_SITE = tuple(SERVICE_WEIGHTS), (ServiceType.ON_SITE,)
TRANSLATION, REVISION = (ServiceType.TRANSLATION,), (ServiceType.REVISION,)
WRITTEN = TRANSLATION + REVISION
# In minutes, and how often.
LENGTHS = {30: 1, 45: 2, 60: 6, 90: 4, 120: 2, 180: 1}
# Time to come and go, and room for a request to be moved by an hour.
MARGIN = timedelta(minutes=75)
# FAQ, « Comment dois-je calculer le kilométrage avec la nouvelle politique? »: nothing is claimed up to here.
FREE_KM = 16


@dataclass
class Case:
    """A request to be: its circumstances, the interpreters it will meet in order, and soon its row."""

    days: Days
    rng: Random
    people: People
    day: date
    created_at: datetime
    fields: dict
    interpreters: list[User]
    roads: dict[int, Decimal]  # by interpreter, kilometres one way
    request: ServiceRequest = None
    coordinator: User = field(init=False)
    validator: User = field(init=False)

    def __post_init__(self):
        self.coordinator = self.rng.choice(self.people.coordinators)
        self.validator = self.rng.choice(self.people.validators)

    @property
    def interpreter(self) -> User:
        """Who serves, or is asked first."""
        return self.interpreters[0]

    @property
    def requester(self) -> User:
        """The requester of the institution."""
        return self.people.requesters[self.fields["institution"].pk]

    @property
    def is_on_site(self) -> bool:
        """Whether somebody travels."""
        return self.fields["service_type"] == ServiceType.ON_SITE

    @property
    def is_spoken(self) -> bool:
        """Whether it takes place at an hour."""
        return self.fields["service_type"] in SPOKEN

    def claim(self, user: User) -> Decimal:
        """What the interpreter reports, one way: whole kilometres, or 0 when nothing is paid."""
        km = self.roads[user.pk].quantize(Decimal(1), ROUND_HALF_UP)
        return km if km > FREE_KM else Decimal(0)

    def soon(self, at: datetime, most: int = 200) -> datetime:
        """A while later in office hours, squeezed into the last day worked when it would leave it."""
        later, close = soon(at, self.rng, most), self.days.office_close()
        if not at < close < later:
            return later
        return at + timedelta(minutes=(close - at) // timedelta(minutes=1) * self.rng.uniform(0.2, 0.8) // 1)

    def office(self, day: date) -> datetime:
        """Some time of an office day."""
        return instant(day, self.rng.randint(9 * 60, 16 * 60))


class Casting:
    """Draws cases and remembers who is held when; the same generator draws the same world."""

    def __init__(self, days: Days, people: People, facilities: list[Facility], rng: Random):
        self.days, self.people, self.facilities, self.rng = days, people, facilities, rng
        self.held = defaultdict(list)
        profiles = InterpreterProfile.objects.select_related("home_institution")
        self.profiles = {profile.user_id: profile for profile in profiles}
        self.speakers = defaultdict(list)
        # The star's list is written by hand (star.py): draws never add to it.
        for user in people.interpreters[1:]:
            for language in self.profiles[user.pk].languages.order_by("code"):
                self.speakers[language].append(user)

    def case(
        self,
        day: date,
        *,
        kinds=SPOKEN,
        size=1,
        lead=(6, 14),
        star: User | None = None,
        minute=0,
        minutes=0,
        km=0,
        **given,
    ) -> Case:
        """A request served on `day`, meeting `size` interpreters (`star` first), created `lead` business days before.

        `kinds`: the service types to draw from; `minute` of the day, length in `minutes`, `given` fields, and the
        place about `km` away: not drawn.
        """
        kind = self.rng.choices(kinds, [SERVICE_WEIGHTS[kind] for kind in kinds])[0]
        starts_at, ends_at = self._slot(day, kind, minute, minutes)
        language, interpreters = self._cast(kind, starts_at, ends_at, size, star)
        facility = self._facility(interpreters[0], km)
        if kind == ServiceType.ON_SITE:
            interpreters[1:] = sorted(interpreters[1:], key=lambda user: self.road_km(user, facility))
        opened = shift(min(day, self.days.today), -self.rng.randint(*lead))
        given |= {"language": language, "starts_at": starts_at, "ends_at": ends_at}
        return Case(
            days=self.days,
            rng=Random(self.rng.random()),  # noqa: S311 (a story of its own)
            people=self.people,
            day=day,
            created_at=instant(opened, self.rng.randint(8 * 60, 13 * 60)),
            fields=self._fields(kind, facility, given),
            interpreters=interpreters,
            roads={user.pk: self.road_km(user, facility) for user in interpreters},
        )

    def day(self, first: int, last: int) -> date:
        """A day between two offsets from today, a weekday nearly always."""
        day = self.days.day(self.rng.randint(first, last))
        if is_open(day) or first == last or self.rng.random() < 0.04:
            return day
        return shift(day, 1 if first > 0 else -1)

    def _slot(self, day: date, kind: str, minute: int, minutes: int) -> tuple[datetime, datetime]:
        if kind in WRITTEN:
            return instant(day, 9 * 60), instant(shift(day, self.rng.randint(3, 6)), 17 * 60)
        starts_at = instant(day, minute or self.rng.randrange(8 * 60 + 30, 15 * 60 + 45, 15))
        minutes = minutes or self.rng.choices(list(LENGTHS), list(LENGTHS.values()))[0]
        return starts_at, starts_at + timedelta(minutes=minutes)

    def _cast(self, kind, starts_at, ends_at, size, star):
        """A language, and `size` people who speak it and are free: `star` first, when there is one."""
        for _ in range(300):
            language = self._shared_language(star) if star else self._language()
            others = self.rng.sample(self.speakers[language], len(self.speakers[language]))
            asked = [star, *others] if star else others
            free = [user for user in asked if kind in WRITTEN or self._is_free(user, starts_at, ends_at)]
            if len(free) >= size and star in (None, free[0]):
                break
        else:
            raise ValueError(f"Pas assez d’interprètes libres le {starts_at}.")
        for user in free[:size] if kind in SPOKEN else []:
            self.held[user.pk].append((starts_at - MARGIN, ends_at + MARGIN))
        return language, free[:size]

    def _shared_language(self, star):
        """The language most others can answer in too."""
        return max(self.profiles[star.pk].languages.order_by("code"), key=lambda spoken: len(self.speakers[spoken]))

    def _language(self):
        others = [language for language in self.speakers if language.code not in DEMAND]
        rest = (100 - sum(DEMAND.values())) / len(others)
        return self.rng.choices(list(self.speakers), [DEMAND.get(language.code, rest) for language in self.speakers])[0]

    def _is_free(self, user, starts_at, ends_at) -> bool:
        return all(ends_at <= start or starts_at >= end for start, end in self.held[user.pk])

    def _facility(self, user, km: int) -> Facility:
        if not km:
            return self.rng.choice(self.near(user))
        return min(self.near(user), key=lambda facility: abs(self.road_km(user, facility) - km))

    def near(self, user: User) -> list[Facility]:
        """The installations of the region where somebody works."""
        region = self.profiles[user.pk].home_institution.region_id
        return [facility for facility in self.facilities if facility.region_id == region]

    def road_km(self, user: User, facility: Facility) -> Decimal:
        """What the interpreter may claim one way: the shorter of home and head office (FAQ, kilométrage)."""
        profile = self.profiles[user.pk]
        home = (profile.home_latitude, profile.home_longitude)
        office = (profile.home_institution.latitude, profile.home_institution.longitude)
        there = facility.latitude, facility.longitude
        return min(road_km(home, there), road_km(office, there))

    def _fields(self, kind, facility, given: dict) -> dict:
        is_written = kind in WRITTEN
        asks = given.get("are_communications_requested", not is_written and self.rng.random() < 0.35)
        return {
            "service_type": kind,
            "institution": facility.institution,
            "facility": None if is_written else facility,
            "are_communications_requested": asks,
            "instructions": texts.instructions(kind, self.rng, are_communications_requested=asks),
            **texts.professional(self.rng),
            **({} if is_written else texts.patient(self.rng)),
            **given,
        }
