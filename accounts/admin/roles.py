"""Who may open an admin page: RoleAdmin is the one place where it asks for a role."""

from django.contrib import admin
from django.db import IntegrityError
from django.shortcuts import redirect
from django.utils.text import capfirst

from accounts.roles import ADMIN_ROLES, Role


class RoleAdmin(admin.ModelAdmin):
    """An admin page open to some roles: `view_roles` may read, `change_roles` may add and change. Nobody deletes."""

    view_roles = ADMIN_ROLES
    change_roles = frozenset({Role.ADMINISTRATOR})

    def lookup_allowed(self, lookup, value, request):
        """Only what the list filters by: a relation in the address would read, letter by letter, what it leads to."""
        shown = {getattr(name, "parameter_name", name) for name in self.list_filter} | {"id", "pk"}
        return lookup.partition("__")[0] in shown and super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request, extra_context=None):
        if any("\x00" in value for value in request.GET.values()):
            return redirect(request.path)
        # Django's own title says « l'objet … à changer ».
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title} | (extra_context or {}))

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            response = super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            # Somebody wrote the same in that instant: checked again, the form says so beside its field.
            response = super().changeform_view(request, object_id, form_url, extra_context)
        if getattr(response, "context_data", None) and response.context_data.get("errors"):
            response.status_code = 422
        return response

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
