from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.db.models import Case, Value, When
from django.db.models.functions import Now, TruncDate
from django.shortcuts import redirect
from django.utils import timezone

from accounts.admin import RoleAdmin, in_words
from accounts.french import long_date
from requests_app.business_days import MOST_AHEAD, is_far
from requests_app.models import Facility, Holiday


@admin.register(Facility)
class FacilityAdmin(RoleAdmin):
    list_display = ["name", "institution", "area", "region", "activity"]
    list_filter = ["is_active", "region"]
    list_select_related = ["institution", "region"]
    search_fields = ["name", "area", "institution__name"]
    search_help_text = "Nom, secteur ou établissement."
    read_as = {"is_active": "activity"}
    activity = in_words("is_active", "Installation", yes="active", no="fermée")


# Those that still change something.
_TO_COME_FIRST = Case(When(date__gte=TruncDate(Now()), then=Value(0)), default=Value(1))


class HolidayForm(forms.ModelForm):
    """A closed day that is not in the list yet."""

    class Meta:
        error_messages = {"date": {"unique": "Ce jour est déjà dans la liste."}}
        help_texts = {
            "date": "Pour les annulations à venir\u00a0: celles que la BI a reçues, et celles déjà validées, gardent "
            "leurs jours fermés."
        }

    def clean_date(self):
        day = self.cleaned_data["date"]
        today = timezone.localdate()
        if is_far(day) or day > today + MOST_AHEAD:
            raise forms.ValidationError("Cette date est trop éloignée\u00a0: vérifiez l’année.")
        if day < today:
            raise forms.ValidationError("Ce jour est passé\u00a0: aucune annulation à venir ne le compterait.")
        return day


@admin.register(Holiday)
class HolidayAdmin(RoleAdmin):
    """Closed days; decisions already taken keep those they were counted with."""

    form = HolidayForm
    list_display = ["day", "name", "effect"]
    ordering = [_TO_COME_FIRST, "date"]
    date_hierarchy = "date"

    def has_delete_permission(self, request, obj=None):
        return self.has_change_permission(request, obj)

    @admin.display(description="Date", ordering="date")
    def day(self, holiday):
        return long_date(holiday.date)

    @admin.display(description="Effet")
    def effect(self, holiday):
        """One on a weekend is not moved (domain.md, « Holidays »): it changes nothing."""
        return "aucun\u00a0: fin de semaine" if holiday.date.weekday() > 4 else "ne compte pas dans les 48\u00a0h"

    def lookup_allowed(self, lookup, value, request):
        return lookup.startswith("date__") or super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request, extra_context=None):
        if year := request.GET.get("year"):
            return redirect(f"{request.path}?{urlencode({'date__year': year})}")
        following = timezone.localdate().year + 1
        if not Holiday.objects.filter(date__year=following).exists():
            messages.warning(request, f"Les jours fériés de {following} manquent\u00a0: ajoutez-les.")
        return super().changelist_view(request, extra_context)
