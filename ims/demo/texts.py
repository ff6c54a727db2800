"""What people write in the demo. Patients and professionals bear family names that nobody has."""

from random import Random

from requests_app.workflow import ServiceType

FIRST_NAMES = """Alma, Bilal, Chloé, Dario, Elif, Fatou, Gael, Hana, Ibrahim, Jun, Kofi, Lina, Mirza, Noor, Omar, Pilar,
Quan, Rosa, Sami, Tala, Uriel, Vida, Wafa, Xiomara, Yaël, Zeynep""".replace("\n", " ").split(", ")
PATIENT_SURNAMES = ["Exemple", "Spécimen", "Témoin", "Échantillon", "Modèle", "Essai", "Prototype", "Maquette"]
PROFESSIONAL_SURNAMES = ["Lafiction", "Delexemple", "Dudémo", "Fauxnom", "Pseudonyme", "Imaginaire", "Toutinventé"]
PROFESSIONS = """médecine familiale, soins infirmiers, travail social, physiothérapie, nutrition, pédiatrie,
psychologie, ergothérapie, suivi de grossesse, audiologie""".replace("\n", " ").split(", ")

_SPOKEN = [
    "Se présenter à l’accueil dix minutes avant l’heure.",
    "Évaluation initiale. Prévoir que la rencontre peut se prolonger de 15 minutes.",
    "L’usager se déplace avec une personne de sa famille.",
    "Remise de résultats et plan de soins.",
    "Vaccination des enfants de la famille, trois carnets à remplir.",
    "Rencontre avec l’équipe interdisciplinaire, trois personnes présentes.",
    "",
]
_BY_TYPE = {
    ServiceType.PHONE: [
        "Le (la) professionnel(le) vous appelle à l’heure prévue.",
        "Appel à trois, sans haut-parleur.",
    ],
    ServiceType.VIDEO: ["Le lien de la visioconférence vous parvient la veille.", "Caméra ouverte pour tout le monde."],
    ServiceType.TRANSLATION: [
        "Dépliant «\u00a0Préparer votre examen\u00a0», texte courant, gabarit à conserver.",
        "Lettre de convocation et formulaire de consentement.",
    ],
    ServiceType.REVISION: ["Révision du guide d’accueil déjà traduit, relecture bilingue."],
}
TO_COMMUNICATE = "Téléphoner à l’usager pour confirmer le rendez-vous, et le lui rappeler la veille."

REFUSALS = ["Déjà au travail à cette heure.", "Trop loin de mon domicile ce jour-là.", "", "En vacances cette semaine."]
BY_PHONE = "Accord donné au téléphone ce matin."
# A communication that the request does not ask for is billable with a name and a reason.
UNASKED = [
    {
        "requested_by_name": "Camille Lafiction, soins infirmiers",
        "justification": "La clinique a déménagé\u00a0: prévenir l’usager de la nouvelle adresse.",
    },
    {
        "requested_by_name": "Sacha Pseudonyme, agente administrative",
        "justification": "L’usager ne répond pas aux appels en français de la clinique.",
    },
]
QUESTIONS = [
    ("Y a-t-il un stationnement sur place?", "Oui, derrière le bâtiment, payant. Gardez la facture pour la joindre."),
    ("L’usager demande si un autre membre de la famille peut venir.", "Oui, sans problème."),
    ("À quelle porte faut-il se présenter?", "À l’entrée principale, puis au deuxième étage."),
]
CHANGED = "La plage de la clinique a été déplacée d’une heure."
COMMENTS = [
    "",
    "",
    "Tout s’est bien passé.",
    "La rencontre a commencé en retard.",
    "Un suivi est prévu dans un mois\u00a0: l’usager souhaite la même personne.",
]
RETURNED = "L’heure de fin ne correspond pas à celle qu’indique la clinique. Pouvez-vous vérifier?"
# FAQ, « Comment puis-je annuler une demande que j'ai déjà acceptée ? »: the body of the e-mail, with its date.
WITHDRAWAL = (
    "Je dois me désister de la demande. La communication pour confirmer le rendez-vous a déjà été effectuée le {date}. "
    "Est-ce possible de créer la demande de transmission de message pour que je puisse être payé s’il vous plaît? "
    "Merci et bonne journée\n{name}"
)
URGENT = "Une urgence familiale m’empêche d’y être. Pouvez-vous trouver quelqu’un d’autre?"
CORRECTED = "L’établissement confirme une demi-heure de plus."
DECLINED = "Personne d’autre n’est libre à cette heure. Pouvez-vous nous rappeler au 514-597-3284?"


def patient(rng: Random) -> dict:
    """The patient's fields, clearly invented."""
    return {
        "patient_name": f"{rng.choice(FIRST_NAMES)} {rng.choice(PATIENT_SURNAMES)}",
        "patient_phone": f"438-555-{rng.randint(100, 199):04}",
        "patient_file_number": f"D{rng.randint(1, 99999):06}",
    }


def professional(rng: Random) -> dict:
    """The fields of the person who attends the session."""
    name = f"{rng.choice(FIRST_NAMES)} {rng.choice(PROFESSIONAL_SURNAMES)}"
    return {
        "professional_name": f"{name}, {rng.choice(PROFESSIONS)}",
        "professional_phone": f"514-555-{rng.randint(100, 199):04}, poste {rng.randint(200, 899)}",
    }


def instructions(service_type: str, rng: Random, *, are_communications_requested: bool) -> str:
    """What the request asks for besides the service."""
    written = service_type in (ServiceType.TRANSLATION, ServiceType.REVISION)
    lines = [] if written else [rng.choice(_SPOKEN)]
    if service_type in _BY_TYPE:
        lines.append(rng.choice(_BY_TYPE[service_type]))
    if are_communications_requested:
        lines.append(TO_COMMUNICATE)
    return "\n".join(line for line in lines if line)
