"""The six roles (domain.md, « Who »). One account has one role; somebody with two hats has two accounts."""

from django.db.models import TextChoices


class Role(TextChoices):
    INTERPRETER = "interpreter", "Interprète"
    REQUESTER = "requester", "Demandeur"
    COORDINATOR = "coordinator", "Coordonnateur (BI)"
    VALIDATOR = "validator", "Valideur (BI)"
    ADMINISTRATOR = "administrator", "Administrateur"
    SYSTEM = "system", "Système"


# The BI's own people: the second factor is mandatory for them (ruling 8), and the admin is theirs.
STAFF_ROLES = frozenset({Role.COORDINATOR, Role.VALIDATOR, Role.ADMINISTRATOR})
# The admin is where files are validated and reference data kept; coordinators work in /bi/.
ADMIN_ROLES = frozenset({Role.VALIDATOR, Role.ADMINISTRATOR})
