"""« Lignes de paie »: the ledger, for the validators to read."""

from django.contrib import admin
from django.utils.html import format_html_join

from accounts.admin import RoleAdmin
from accounts.french import money
from accounts.roles import Role
from billing.kept_facts import facts_in_words
from billing.models import PayLine
from billing.reasons import calculation, reason_of
from requests_app.masking import eraser


@admin.register(PayLine)
class PayLineAdmin(RoleAdmin):
    """The ledger, read only."""

    view_roles = frozenset({Role.VALIDATOR})
    change_roles = frozenset()
    list_display = ["created_at", "service_request", "interpreter", "rule", "dollars", "why"]
    # Two fields hold what people typed, hence names: their readable form alone is shown.
    fields = ["service_request", "interpreter", "service_on", "rule", "counted", "dollars", "why", "facts"]
    fields += ["policy", "reverses", "created_by", "created_at"]
    readonly_fields = ["counted", "dollars", "why", "facts"]
    list_select_related = ["service_request", "interpreter"]
    search_fields = ["=service_request__id", "interpreter__last_name"]
    search_help_text = "Numéro de la demande, ou nom de famille de l’interprète."
    list_filter = ["kind"]
    ordering = ["-id"]
    show_full_result_count = False

    @admin.display(description="Montant", ordering="amount")
    def dollars(self, line):
        return money(line.amount)

    @admin.display(description="Calcul", empty_value="—")
    def counted(self, line):
        return calculation(line)

    @admin.display(description=PayLine._meta.get_field("reason").verbose_name)
    def why(self, line):
        """Its reason, without the persons served: a validator needs none (domain.md, « Privacy »)."""
        return reason_of(line, line.service_request)

    @admin.display(description="Faits retenus")
    def facts(self, line):
        """What it was computed from, one fact a line of text."""
        told = facts_in_words(line.inputs, eraser(line.service_request))
        return format_html_join("", "<div>{}\u00a0: {}</div>", told)
