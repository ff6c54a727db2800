"""The menu, role by role."""

from django.urls import reverse

from accounts.roles import Role

_MENU = {
    Role.INTERPRETER: [
        ("Demandes", "requests:home"),
        ("Disponibilités", "requests:availability"),
        ("Ma paie", "completion:earnings"),
    ],
    Role.REQUESTER: [("Demandes", "requests:home"), ("Nouvelle demande", "requests:create")],
    Role.COORDINATOR: [
        ("Tableau", "requests:board"),
        ("Demandes", "requests:requests"),
        ("Interprètes", "requests:interpreters"),
        ("Nouvelle demande", "requests:create"),
    ],
    Role.VALIDATOR: [
        ("Validation", "admin:index"),
        ("Relevés", "billing:periods"),
        ("Tableau de paie", "billing:board"),
    ],
    Role.ADMINISTRATOR: [
        ("Administration", "admin:index"),
        ("Non remis", "accounts:undelivered"),
        ("Tableau de paie", "billing:board"),
    ],
}


def entries(request) -> list[tuple[str, str, bool]]:
    """(label, address, is current) for the person signed in; nothing for anybody else."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    menu = [(label, reverse(name)) for label, name in [*_MENU.get(user.role, []), ("Profil", "accounts:profile")]]
    return [(label, url, request.path == url) for label, url in menu]
