from django import forms
from django.contrib import admin, messages
from django.db import models

from accounts.admin import RoleAdmin
from accounts.french import money
from accounts.roles import Role
from billing.models import PayLine, PayPolicy
from requests_app.masking import eraser


class PayPolicyForm(forms.ModelForm):
    """Rates are typed and shown with a comma; a point is read too."""

    class Meta:
        localized_fields = [field.name for field in PayPolicy._meta.fields if isinstance(field, models.DecimalField)]


@admin.register(PayPolicy)
class PayPolicyAdmin(RoleAdmin):
    """Dated tariffs: one that has paid somebody no longer changes, a new date gets a new row."""

    form = PayPolicyForm
    list_display = ["effective_from", "hourly_rate", "communication_fee", "mileage_rate", "rates_confirmed"]

    def get_readonly_fields(self, request, obj=None):
        """Of a tariff that has paid somebody, all but the confirmation, which may come later."""
        if obj is None or not obj.pay_lines.exists():
            return []
        return [field.name for field in PayPolicy._meta.fields if field.name not in ("id", "rates_confirmed")]

    def changelist_view(self, request, extra_context=None):
        if PayPolicy.objects.filter(rates_confirmed=False).exists():
            messages.warning(request, "Tarifs à confirmer\u00a0: les montants marqués sont provisoires.")
        return super().changelist_view(request, extra_context)


@admin.register(PayLine)
class PayLineAdmin(RoleAdmin):
    """The ledger, read only."""

    view_roles = frozenset({Role.VALIDATOR})
    change_roles = frozenset()
    list_display = ["created_at", "service_request", "interpreter", "rule", "dollars", "why"]
    exclude = ["reason"]
    readonly_fields = ["why"]
    list_select_related = ["service_request", "interpreter"]
    search_fields = ["=service_request__id", "interpreter__last_name"]
    list_filter = ["kind"]
    ordering = ["-id"]
    show_full_result_count = False

    @admin.display(description="Montant", ordering="amount")
    def dollars(self, line):
        return money(line.amount)

    @admin.display(description=PayLine._meta.get_field("reason").verbose_name)
    def why(self, line):
        """Its reason, without the persons served: a validator needs none (domain.md, « Privacy »)."""
        return eraser(line.service_request)(line.reason)
