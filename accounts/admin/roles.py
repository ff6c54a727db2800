"""Who may open an admin page: RoleAdmin is the one place where it asks for a role."""

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.shortcuts import redirect
from django.utils.text import capfirst

from accounts.roles import ADMIN_ROLES, Role


def in_words(name: str, label: str, *, yes: str, no: str):
    """A column, or a field that is read, that says a boolean: Django's icons say « True » to who listens."""

    @admin.display(description=label, ordering=name)
    def said(model_admin, row):
        return yes if getattr(row, name) else no

    return said


class RoleAdmin(admin.ModelAdmin):
    """An admin page open to some roles: `view_roles` may read, `change_roles` may add and change. Nobody deletes."""

    view_roles = ADMIN_ROLES
    change_roles = frozenset({Role.ADMINISTRATOR})
    show_facets = admin.ShowFacets.NEVER
    # {a boolean: the method that says it}, where the page is only read.
    read_as = {}

    def lookup_allowed(self, lookup, value, request):
        """Only what the list filters by: a relation in the address would read, letter by letter, what it leads to."""
        shown = {getattr(name, "parameter_name", name) for name in self.list_filter} | {"id", "pk"}
        return lookup.partition("__")[0] in shown and super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request, extra_context=None):
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if any("\x00" in value for value in request.GET.values()) or not all(map(self._is_key, chosen)):
            return redirect(request.path)  # nothing that a page of ours sends
        # Django's own title says « l'objet … à changer ».
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title} | (extra_context or {}))

    def _is_key(self, text: str) -> bool:
        """Whether it could be the key of a row: the database is not asked for what it would refuse."""
        try:
            self.opts.pk.clean(text, None)
        except ValidationError:
            return False
        return "\x00" not in text

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

    def get_fields(self, request, obj=None):
        names = super().get_fields(request, obj)
        is_read = obj is not None and not self.has_change_permission(request, obj)
        return [self.read_as.get(name, name) for name in names] if is_read else names

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        # The name of what is shown is the title: Django's own is « Modification de … » above it.
        if context.get("subtitle"):
            context |= {"title": context["subtitle"], "subtitle": None}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def has_view_permission(self, request, obj=None):
        return request.user.is_active and request.user.role in self.view_roles

    def has_add_permission(self, request, obj=None):
        return request.user.is_active and request.user.role in self.change_roles

    has_change_permission = has_add_permission

    def has_delete_permission(self, request, obj=None):
        return False
