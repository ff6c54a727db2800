"""What the BI knows of some interpreters of the demo: services and territory, and where two are not sent."""

from datetime import timedelta

from accounts.models import Institution, User
from ims.demo.days import Days, instant
from ims.demo.people import username
from requests_app.exclusions import exclude, lift
from requests_app.practices import change_practice
from requests_app.workflow import SPOKEN, ServiceType

REMOTE = (ServiceType.PHONE, ServiceType.VIDEO)
# name: services, other regions (codes), kilometres.
PRACTICES = {
    "Lucía Paredes": (SPOKEN, ["13", "16"], 40),
    "Inés Valdivia": (SPOKEN, [], 25),
    "Gonzalo Iturbe": (REMOTE, [], 50),
    "Fabián Rosales": (SPOKEN, ["16"], 180),
    "Karim Boudali": (SPOKEN, ["13", "14", "15"], 60),
    "Bikash Gurung": (SPOKEN, ["12"], 120),
    "Olena Kravets": (list(ServiceType), ["16"], 50),
}
# name: a key of the institutions, the reason, days from today, and why it was lifted if it was.
EXCLUSIONS = [
    ("Andrés Villaseñor", "chum", "Deux retards signalés par la clinique; rencontre à venir.", 45, ""),
    ("Samir Haddad", "centre-ouest", "Lien de parenté avec un membre de l’équipe.", 180, ""),
    ("Paloma Escudero", "est", "Plainte à éclaircir.", 90, "Plainte retirée par l’établissement."),
]


def write(interpreters: list[User], coordinator: User, institutions: dict[str, Institution], days: Days) -> None:
    """Noted by a coordinator the day before: nothing of what is already booked or offered changes."""
    known = {user.username: user for user in interpreters}
    at = instant(days.day(-1), 17 * 60)
    for name, (kinds, regions, reach_km) in PRACTICES.items():
        given = {"service_types": kinds, "regions": regions, "reach_km": reach_km}
        change_practice(known[username(name)], by=coordinator, at=at, **given)
    for name, key, reason, length, why in EXCLUSIONS:
        given = {"reason": reason, "ends_on": days.day(length)}
        made = exclude(known[username(name)], institutions[key], by=coordinator, at=at, **given)
        if why:
            lift(made, by=coordinator, at=at + timedelta(minutes=30), reason=why)
