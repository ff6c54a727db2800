"""The directory: what accounts and requests refer to."""

from django.contrib import admin

from accounts import topics
from accounts.admin.roles import RoleAdmin
from accounts.models import HealthRegion, Institution, Language, Notification
from accounts.roles import Role


@admin.register(HealthRegion)
class HealthRegionAdmin(RoleAdmin):
    list_display = ["code", "name"]


@admin.register(Institution)
class InstitutionAdmin(RoleAdmin):
    list_display = ["name", "region", "head_office_address", "is_verified"]
    list_filter = ["is_verified", "region"]
    search_fields = ["name"]
    list_select_related = ["region"]


@admin.register(Language)
class LanguageAdmin(RoleAdmin):
    list_display = ["name", "code"]
    search_fields = ["name"]


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
    list_display = ["created_at", "state", "last_error", "user", "message", "channel", "attempts", "about"]
    list_filter = ["state", "channel", TopicFilter]
    fields = [
        "user",
        "message",
        "about",
        "channel",
        "state",
        "created_at",
        "due_at",
        "sent_at",
        "attempts",
        "last_error",
    ]
    readonly_fields = ["message"]
    list_select_related = ["user"]
    search_fields = ["about", "user__username"]

    @admin.display(description="message", ordering="topic")
    def message(self, notification):
        return topics.label_of(notification.topic)
