from django.contrib import admin

from accounts.admin import RoleAdmin
from requests_app.models import Facility, Holiday


@admin.register(Facility)
class FacilityAdmin(RoleAdmin):
    list_display = ["name", "institution", "area", "region", "is_active"]
    list_filter = ["is_active", "region"]
    list_select_related = ["institution", "region"]
    search_fields = ["name", "area", "institution__name"]
    autocomplete_fields = ["institution"]


@admin.register(Holiday)
class HolidayAdmin(RoleAdmin):
    """Closed days; decisions already taken keep those they were counted with."""

    list_display = ["date", "name"]
    date_hierarchy = "date"

    def has_delete_permission(self, request, obj=None):
        return self.has_change_permission(request, obj)
