"""The people of the demo: invented names of many origins, `.example` addresses, 555 telephone numbers."""

import unicodedata
from dataclasses import dataclass
from functools import cache
from random import Random

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts import services
from accounts.devices import Channel, SecondFactor
from accounts.models import (
    CodeDevice,
    Institution,
    InterpreterLanguage,
    InterpreterProfile,
    Language,
    User,
)
from accounts.roles import Role
from ims.demo.places import INSTITUTIONS
from ims.reference import slug

PASSWORD = "demonstration"  # noqa: S105 (printed by the demo)

# name | languages | home institution (a key of places.INSTITUTIONS); the first one is the account printed first.
# By first language: espagnol 22, arabe 10, swahili 5, népalais 5, rohingya 2, one of each other.
INTERPRETERS = """Lucía Paredes | espagnol, portugais | centre-sud
Mateo Quiroga | espagnol | centre-sud
Inés Valdivia | espagnol | centre-ouest
Joaquín Arriaga | espagnol | centre-ouest
Camila Ordoñez | espagnol, anglais | ouest
Rafael Montalvo | espagnol | nord
Valentina Ríos | espagnol | nord
Gonzalo Iturbe | espagnol, italien | est
Paloma Escudero | espagnol | est
Andrés Villaseñor | espagnol | chum
Marisol Cifuentes | espagnol | chum
Tomás Aguirre | espagnol | sainte-justine
Renata Bolívar | espagnol | sainte-justine
Emilio Cárdenas | espagnol | québec
Ximena Lozano | espagnol | québec
Fabián Rosales | espagnol | estrie
Noelia Urrutia | espagnol | estrie
Esteban Palacios | espagnol | outaouais
Daniela Fuentealba | espagnol | outaouais
Ignacio Becerra | espagnol | laval
Jimena Zúñiga | espagnol | montérégie
Óscar Landívar | espagnol, anglais | montérégie
Nadia Benkirane | arabe, kabyle | centre-sud
Samir Haddad | arabe | centre-ouest
Yasmine El Fassi | arabe | ouest
Karim Boudali | arabe | nord
Leïla Mansour | arabe | chum
Tarek Al-Jundi | arabe | sainte-justine
Hanane Chraïbi | arabe | québec
Idriss Zeroual | arabe | estrie
Rania Khoury | arabe, anglais | laval
Walid Tounsi | arabe | montérégie
Furaha Mwamba | swahili, kinyarwanda | centre-sud
Baraka Kimani | swahili | nord
Neema Lubangi | swahili, lingala | québec
Jabali Ombeni | swahili, kirundi | estrie
Zawadi Bahati | swahili | outaouais
Sunita Adhikari | népalais, hindi | centre-ouest
Bikash Gurung | népalais | québec
Anjali Thapa | népalais | québec
Prakash Rai | népalais, hindi | estrie
Maya Shrestha | népalais | montérégie
Nurul Amin Kabir | rohingya, bengali | québec
Rehana Begum | rohingya, birman | estrie
Farid Nazari | dari, farsi | centre-sud
Shirin Golestan | farsi, dari | centre-ouest
Linh Tran Duong | vietnamien | nord
Wei Jun Cao | mandarin, cantonais | centre-ouest
Olena Kravets | ukrainien, russe | est
Irina Sokolan | russe | ouest
Gaspard Timothée | créole haïtien | nord
Ayşe Demirel | turc | est
Selam Tesfay | tigrigna, amharique | centre-sud
Abdi Warsame | somali | outaouais
Gurpreet Dhaliwal | pendjabi, ourdou | ouest
Iuliana Moraru | roumain | laval
João Figueira | portugais | centre-sud
Priya Selvarajan | tamoul | est
Mamadou Fofana | bambara, wolof | montérégie
Zarmina Stanekzai | pachto, dari | outaouais"""

# Invited when the world is built, and not seen yet.
INVITED = "Imane Oualidi"
# Gives a code by SMS at each sign-in, as the BI does.
PROTECTED = "Nadia Benkirane"

# One requester an institution, in the order of places.INSTITUTIONS.
REQUESTERS = """Maude Charlebois, Étienne Grandbois, Sacha Pellerin, Claude Vaudry, Ariane Thériault-Roy,
Dominique Lasnier, Frédérique Aubin, Philippe Castonguay, Camille Beaurivage, Mireille Quesnel, Noah Desrosiers,
Alexe Montplaisir"""
STAFF = {
    Role.COORDINATOR: ["Solène Archambeau", "Malik Durocher", "Évelyne Saint-Aubin"],
    Role.VALIDATOR: ["Bruno Tessereau", "Jasmine Villandré"],
    Role.ADMINISTRATOR: ["Mathilde Kerouac"],
}


@dataclass(frozen=True)
class People:
    """Everybody, by what they do; the lists keep the order of this file."""

    interpreters: list[User]
    requesters: dict[int, User]  # by institution
    coordinators: list[User]
    validators: list[User]


def username(name: str) -> str:
    """« Nurul Amin Kabir » → « nurul.kabir »: first and last word, as the BI gives them."""
    words = unicodedata.normalize("NFD", name.lower()).encode("ascii", "ignore").decode().split()
    return f"{words[0]}.{words[-1]}"


@cache
def shared_hash() -> str:
    """One hash for everybody: at 50 ms each, 80 of them would be most of the first start."""
    return make_password(PASSWORD)


def create(institutions: dict[str, Institution], rng: Random) -> People:
    """Write every account; `rng` draws where interpreters live."""
    rows = [line.split(" | ") for line in INTERPRETERS.splitlines()]
    names = REQUESTERS.replace("\n", " ").split(", ")
    homes = [institutions[key] for key in INSTITUTIONS]
    users = [_user(row[0], Role.INTERPRETER, "interpretes") for row in rows]
    users += [
        _user(name, Role.REQUESTER, "etablissements", institution=home) for name, home in zip(names, homes, strict=True)
    ]
    users += [_user(name, role, "bi") for role, staff in STAFF.items() for name in staff]
    for number, user in enumerate(users):
        user.mobile_phone = f"+1514555{100 + number:04}"
        if user.is_bi_staff or user.username == username(PROTECTED):
            user.second_factor = SecondFactor.SMS
    User.objects.bulk_create(users)
    CodeDevice.objects.bulk_create(CodeDevice(user=user, channel=Channel.SMS) for user in users if user.second_factor)
    _profile(users[: len(rows)], rows, institutions, rng)
    by_role = {role: [user for user in users if user.role == role] for role in Role}
    return People(
        interpreters=by_role[Role.INTERPRETER],
        requesters={user.institution_id: user for user in by_role[Role.REQUESTER]},
        coordinators=by_role[Role.COORDINATOR],
        validators=by_role[Role.VALIDATOR],
    )


def invite(institutions: dict[str, Institution]) -> User:
    """One more interpreter, whose temporary password the worker draws when it writes to her."""
    first, _, last = INVITED.partition(" ")
    invited = services.create_account(
        by=User.objects.get(username=username(STAFF[Role.ADMINISTRATOR][0])),
        at=timezone.now(),
        username=username(INVITED),
        first_name=first,
        last_name=last,
        email=f"{username(INVITED)}@interpretes.example",
        mobile_phone="+15145550199",
        role=Role.INTERPRETER,
    )
    profile = InterpreterProfile.objects.create(user=invited, home_institution=institutions["laval"])
    profile.languages.add(Language.objects.get(code="arabe"))
    return invited


def _user(name: str, role: Role, domain: str, **fields) -> User:
    first, _, last = name.partition(" ")
    account = username(name)
    return User(
        username=account,
        password=shared_hash(),
        first_name=first,
        last_name=last,
        email=f"{account}@{domain}.example",
        role=role,
        **fields,
    )


def _profile(interpreters, rows, institutions, rng: Random) -> None:
    """Homes a short drive around the home institution's head office; languages in the order of the table."""
    profiles = []
    for user, (_, _, key) in zip(interpreters, rows, strict=True):
        home = institutions[key]
        latitude, longitude = (float(home.latitude), float(home.longitude))
        profiles.append(
            InterpreterProfile(
                user=user,
                home_institution=home,
                home_latitude=f"{latitude + rng.gauss(0, 0.08):.5f}",
                home_longitude=f"{longitude + rng.gauss(0, 0.13):.5f}",
            )
        )
    InterpreterProfile.objects.bulk_create(profiles)
    languages = Language.objects.in_bulk()
    InterpreterLanguage.objects.bulk_create(
        InterpreterLanguage(profile=profile, language=languages[slug(name)])
        for profile, (_, names, _) in zip(profiles, rows, strict=True)
        for name in names.split(", ")
    )
