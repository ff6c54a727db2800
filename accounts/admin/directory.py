"""The directory: what accounts and requests refer to."""

from django.contrib import admin

from accounts import topics
from accounts.admin.roles import RoleAdmin, in_words
from accounts.french import hour, short_date
from accounts.models import HealthRegion, Institution, Language, Notification
from accounts.roles import Role


@admin.register(HealthRegion)
class HealthRegionAdmin(RoleAdmin):
    list_display = ["code", "name"]


@admin.register(Institution)
class InstitutionAdmin(RoleAdmin):
    list_display = ["name", "region", "head_office_address", "verified"]
    list_filter = ["is_verified", "region"]
    search_fields = ["name"]
    search_help_text = "Nom de l’établissement."
    list_select_related = ["region"]
    read_as = {"is_verified": "verified"}
    verified = in_words("is_verified", "Adresse", yes="vérifiée", no="à vérifier")


@admin.register(Language)
class LanguageAdmin(RoleAdmin):
    list_display = ["name", "code"]
    search_fields = ["name"]
    search_help_text = "Nom de la langue."


class TopicFilter(admin.SimpleListFilter):
    title = "message"
    parameter_name = "topic"

    def lookups(self, request, model_admin):
        return topics.labels().items()

    def queryset(self, request, queryset):
        return queryset.filter(topic=self.value()) if self.value() else queryset


@admin.register(Notification)
class NotificationAdmin(RoleAdmin):
    view_roles = frozenset({Role.ADMINISTRATOR})
    change_roles = frozenset()
    list_display = ["when", "state", "user", "message", "channel", "attempts", "last_error"]
    list_filter = ["state", "channel", TopicFilter]
    fields = ["user", "message", "channel", "state", "created_at", "due_at", "sent_at", "attempts", "last_error"]
    readonly_fields = ["message"]
    list_select_related = ["user"]
    search_fields = ["about", "user__username"]
    search_help_text = "Identifiant de la personne."

    @admin.display(description="Créée le", ordering="created_at")
    def when(self, notification):
        return f"{short_date(notification.created_at)}, {hour(notification.created_at)}"

    @admin.display(description="message", ordering="topic")
    def message(self, notification):
        """« Demande 12 : elle est annulée »: what it says, and of which request."""
        return topics.subject_of(notification)
