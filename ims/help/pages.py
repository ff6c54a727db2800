"""What the help holds: each page under the FAQ's own heading, its place, and the screens it answers.

A page without `view` is `templates/help/<slug>.html`; the others belong to another room, and are only listed here.
"""

from collections.abc import Iterator

from accounts.roles import Role
from ims.help import staff
from ims.help.page import EVERYBODY, Page, Section, about, faq

TRAINING = "Outils de formation pour l’utilisation de la plateforme Web"
SECTIONS = (
    Section(
        slug="connexion",
        title="Se connecter",
        pages=(
            faq(
                "premiere-connexion",
                "Comment puis-je me connecter pour la première fois à la nouvelle plateforme?",
                "accounts:new_password",
                audience=EVERYBODY,
            ),
            faq(
                "authentification-multifacteur",
                "Qu’est-ce que l’authentification multifacteur (MFA) et pourquoi dois-je fournir un numéro de "
                "cellulaire pour l’activer?",
                "accounts:protect",
                "accounts:app",
                "accounts:recovery_codes",
                audience=EVERYBODY,
            ),
            faq(
                "problemes-de-connexion",
                "J’ai des problèmes de connexion à la plateforme web. Qu’est-ce que je peux faire pour les régler?",
                "accounts:login",
                "accounts:code",
                "accounts:forgotten",
                "accounts:forgotten_done",
                "accounts:reset",
                audience=EVERYBODY,
                view="accounts:help_sign_in",
                text="accounts/_help_sign_in.html",
            ),
            about(
                "installer",
                "Installer l’application sur un iPhone, un téléphone Android ou un ordinateur",
                audience=EVERYBODY,
                view="app:install",
            ),
            faq("application-mobile", "Comment puis-je me connecter à l’application mobile IMS?"),
            faq(
                "problemes-application",
                "J’ai des problèmes de connexion à l’application mobile IMS. Qu’est-ce que je peux faire pour les "
                "régler?",
            ),
        ),
    ),
    Section(
        slug="demandes",
        title="Mes demandes",
        pages=(
            faq("statuts", "Que signifient les différents statuts d’une demande?", audience=EVERYBODY),
            faq("demandes-par-statut", "Comment puis-je voir mes demandes selon leur statut?", "requests:home"),
            faq(
                "notifications",
                "Comment puis-je activer et désactiver les notifications d’IMS que je reçois par courriel ou par "
                "texto?",
                "accounts:profile",
                "accounts:change_contact",
                "accounts:confirm_contact",
                "accounts:change_password",
                audience=EVERYBODY,
            ),
            faq(
                "se-desister",
                "Comment puis-je annuler une demande que j’ai déjà acceptée?",
                "requests:withdraw",
                "requests:compose",
            ),
            about(
                "disponibilites",
                "Comment dire quand je ne suis pas disponible, et voir mes demandes dans mon calendrier?",
                "requests:availability",
                audience=Role.INTERPRETER,
            ),
        ),
    ),
    Section(
        slug="realisation",
        title="Réaliser une demande",
        pages=(
            faq("clore-une-demande", "Comment puis-je clore (réaliser) une demande?", "completion:edit"),
            about(
                "sans-reseau",
                "Puis-je remplir les détails de l’achèvement sans réseau?",
                "completion:drafts",
                "completion:offline",
                audience=EVERYBODY,
            ),
            faq(
                "signature",
                "Dois-je faire signer ma réalisation par le(la) professionnel(le) à la fin du service?",
                "completion:sign",
                audience=EVERYBODY,
            ),
            faq(
                "communications",
                "Comment dois-je rentrer les communications effectuées en dehors de la période d’interprétation?",
            ),
            faq(
                "facture-de-stationnement",
                "Comment puis-je ajouter ma facture de stationnement lors de la réalisation du service sur IMS?",
                "completion:attachments",
                audience=EVERYBODY,
            ),
            faq(
                "corriger",
                "Est-ce que je peux corriger moi-même une erreur que j’ai faite lors de la réalisation du service "
                "sur IMS?",
            ),
            faq(
                "fiches-papier",
                "Est-ce que je peux encore utiliser des fiches papiers pour la réalisation de la demande?",
                "completion:receipt",
                audience=EVERYBODY,
            ),
        ),
    ),
    Section(
        slug="paie",
        title="Être payé(e)",
        pages=(
            faq("demande-annulee", "Le demandeur a annulé la demande, est-ce que je serais rémunéré?"),
            faq("temps-de-deplacement", "Est-ce que le temps de déplacement est rémunéré?"),
            faq("kilometrage", "Comment dois-je calculer le kilométrage avec la nouvelle politique?"),
            about("sieges-sociaux", "Adresse du siège social par région d’appartenance", audience=EVERYBODY),
            about(
                "ma-paie",
                "Comment lire «\u00a0Ma paie\u00a0» et mes relevés?",
                "completion:earnings",
                audience=Role.INTERPRETER,
            ),
        ),
    ),
    Section(
        slug="formation",
        title=TRAINING,
        pages=(
            faq(
                "comprendre-ims",
                "Quelles sont les informations disponibles pour comprendre le fonctionnement de la plateforme IMS?",
                audience=EVERYBODY,
            ),
            about("partie-1", "Partie 1\u00a0: se connecter et protéger son compte", audience=Role.INTERPRETER),
            about("partie-2", "Partie 2\u00a0: la page d’accueil et le profil", audience=Role.INTERPRETER),
            about(
                "partie-3",
                "Partie 3\u00a0: répondre à une offre, suivre une modification, se désister",
                "requests:answer",
                "requests:detail",
                audience=EVERYBODY,
            ),
            about("partie-4", "Partie 4\u00a0: clore une demande sur la plateforme Web", audience=Role.INTERPRETER),
            about(
                "partie-5",
                "Partie 5\u00a0: clore une demande sur le téléphone, corriger, être payé(e)",
                audience=Role.INTERPRETER,
            ),
        ),
    ),
    *staff.SECTIONS,
)
PAGES = {page.slug: page for section in SECTIONS for page in section.pages}
_ANSWERS = {(page.audience, screen): page for page in PAGES.values() for screen in page.screens}


def section_of(page: Page) -> Section:
    return next(section for section in SECTIONS if page in section.pages)


def written_here() -> Iterator[Page]:
    """The pages that this room shows itself."""
    return (page for page in PAGES.values() if not page.view)


def answer_to(screen: str, role: str | None) -> Page | None:
    """The page that answers a screen (« room:name ») for somebody of this role, else for everybody."""
    return _ANSWERS.get((role, screen)) or _ANSWERS.get((EVERYBODY, screen))


def answer_beside(request) -> Page | None:
    """The page that answers what somebody is looking at; nothing for an address that is none of ours."""
    match = getattr(request, "resolver_match", None)
    user = getattr(request, "user", None)
    role = user.role if user is not None and user.is_authenticated else EVERYBODY
    return answer_to(match.view_name, role) if match else None
