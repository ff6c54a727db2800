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
        ("Statistiques", "requests:statistics"),
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
# Read at a desk: on a phone, the page of « Tableau » and the foot lead there, and the bar keeps its five entries.
_OF_DESKS = {(Role.COORDINATOR, "requests:statistics"), (Role.COORDINATOR, "help:index")}
_OF_EVERYBODY = [("Profil", "accounts:profile"), ("Aide", "help:index")]


def entries(request) -> list[tuple[str, str, bool, bool]]:
    """(label, address, is current, is of desks alone) for the person signed in; nothing for anybody else."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    menu = [*_MENU.get(user.role, []), *_OF_EVERYBODY]
    addresses = [(label, reverse(name), (user.role, name) in _OF_DESKS) for label, name in menu]
    return [(label, url, request.path == url, is_of_desks) for label, url, is_of_desks in addresses]
