"""The directory and the accounts in the admin; RoleAdmin is the one place where an admin page asks for a role."""

from django.contrib import admin
from django.utils.text import capfirst

from accounts.models import (
    HealthRegion,
    Institution,
    InterpreterLanguage,
    InterpreterProfile,
    Language,
    Notification,
    User,
)
from accounts.roles import ADMIN_ROLES, Role


class RoleAdmin(admin.ModelAdmin):
    """An admin page open to some roles: `view_roles` may read, `change_roles` may add and change. Nobody deletes."""

    view_roles = ADMIN_ROLES
    change_roles = frozenset({Role.ADMINISTRATOR})

    def changelist_view(self, request, extra_context=None):
        # Django's own title says « l'objet … à changer ».
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title} | (extra_context or {}))

    def get_readonly_fields(self, request, obj=None):
        # A key that is typed names the row: changing it would make another row beside the first.
        key = self.opts.pk
        is_typed = obj is not None and key.editable and not key.auto_created
        return [*super().get_readonly_fields(request, obj), *([key.name] if is_typed else [])]

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def has_view_permission(self, request, obj=None):
        return request.user.is_active and request.user.role in self.view_roles

    def has_add_permission(self, request, obj=None):
        return request.user.is_active and request.user.role in self.change_roles

    has_change_permission = has_add_permission

    def has_delete_permission(self, request, obj=None):
        return False


class RoleInline(admin.TabularInline):
    """An inline follows its page's roles."""

    def has_view_permission(self, request, obj=None):
        return True

    def _may_change(self, request, obj=None):
        return request.user.role == Role.ADMINISTRATOR

    has_add_permission = has_change_permission = has_delete_permission = _may_change


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


class InterpreterLanguageInline(RoleInline):
    model = InterpreterLanguage
    extra = 1


@admin.register(InterpreterProfile)
class InterpreterProfileAdmin(RoleAdmin):
    view_roles = change_roles = frozenset({Role.ADMINISTRATOR})
    list_display = ["user", "home_institution"]
    list_select_related = ["user", "home_institution"]
    search_fields = ["user__last_name", "user__first_name", "user__username"]
    autocomplete_fields = ["user", "home_institution"]
    inlines = [InterpreterLanguageInline]


@admin.register(User)
class UserAdmin(RoleAdmin):
    view_roles = change_roles = frozenset({Role.ADMINISTRATOR})
    list_display = ["username", "last_name", "first_name", "role", "institution", "is_active"]
    list_filter = ["role", "is_active"]
    list_select_related = ["institution"]
    search_fields = ["username", "last_name", "first_name", "email"]
    fields = [
        "username",
        "first_name",
        "last_name",
        "email",
        "mobile_phone",
        "role",
        "institution",
        "is_active",
        "sms_disabled",
        "email_disabled",
    ]

    def get_queryset(self, request):
        # The system's own account is not a person's: nobody edits it away.
        return super().get_queryset(request).exclude(role=Role.SYSTEM)

    def formfield_for_choice_field(self, db_field, request, **kwargs):
        if db_field.name == "role":
            kwargs["choices"] = [choice for choice in Role.choices if choice[0] != Role.SYSTEM]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_readonly_fields(self, request, obj=None):
        """One account has one role for life; an interpreter's bookings keep the account active."""
        kept = [*super().get_readonly_fields(request, obj), *(["role"] if obj else [])]
        return [*kept, "is_active"] if obj and obj.role == Role.INTERPRETER else kept

    def lookup_allowed(self, lookup, value, request):
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)


@admin.register(Notification)
class NotificationAdmin(RoleAdmin):
    view_roles = frozenset({Role.ADMINISTRATOR})
    change_roles = frozenset()
    list_display = ["created_at", "user", "topic", "about", "state", "attempts", "last_error"]
    list_filter = ["state", "topic"]
    list_select_related = ["user"]
    search_fields = ["about", "user__username"]
