"""« Modèles de message » that the coordinators of the demo have written."""

from accounts.models import User
from ims.demo.days import Days, instant
from requests_app.message_templates import Audience, save

INTERPRETER, REQUESTER = Audience.INTERPRETER, Audience.REQUESTER
TEMPLATES = [
    (
        "Confirmer la présence",
        INTERPRETER,
        "Bonjour {prenom},\n\nPouvez-vous nous confirmer votre présence pour la demande {numero}, le {date} à {heure} "
        "({etablissement})?\n\nMerci",
    ),
    (
        "Rappeler les détails de l’achèvement",
        INTERPRETER,
        "Bonjour {prenom},\n\nLes détails de l’achèvement de la demande {numero} du {date} ne sont pas encore remplis. "
        "Ouvrez la demande dans IMS, puis «\u00a0Détails de l’achèvement\u00a0».\n\nMerci",
    ),
    (
        "Désistement urgent\u00a0: nous cherchons",
        INTERPRETER,
        "Bonjour {prenom},\n\nNous cherchons une autre personne pour la demande {numero} ({langue}, le {date} à "
        "{heure}). Elle reste à votre nom d’ici là\u00a0: nous vous écrirons dès que c’est réglé.",
    ),
    (
        "Nous cherchons encore",
        REQUESTER,
        "Bonjour,\n\nNous n’avons pas encore trouvé d’interprète en {langue} pour la demande {numero} du {date} à "
        "{heure}. Un service par téléphone ou par visioconférence conviendrait-il?\n\nLa Banque d’interprètes",
    ),
    (
        "Préciser le lieu",
        REQUESTER,
        "Bonjour,\n\nPour la demande {numero} du {date} à {heure}, pouvez-vous préciser l’étage, la porte et la "
        "personne à joindre sur place?\n\nLa Banque d’interprètes",
    ),
]


def write(coordinators: list[User], days: Days) -> None:
    """Written two months before today, by the first of the coordinators."""
    at = instant(days.day(-60), 9 * 60)
    for name, audience, body in TEMPLATES:
        save(None, by=coordinators[0], at=at, name=name, audience=audience, body=body)
