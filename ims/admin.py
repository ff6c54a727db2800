from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, resolve_url
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.i18n import JavaScriptCatalog

from accounts.mfa import has_verified
from accounts.views.sign_in import sign_out
from ims import work
from ims.reference import slug


class ImsAdminSite(AdminSite):
    """Django's admin behind our own sign-in: validators and administrators, with their second factor."""

    site_title = site_header = "Banque d’interprètes du RSSS"
    index_title = "Validation et répertoire"
    # For its people « le site » is this one; and the lists need the whole width.
    site_url, enable_nav_sidebar = None, False
    empty_value_display = "—"

    def has_permission(self, request):
        return super().has_permission(request) and has_verified(request)

    def index(self, request, extra_context=None):
        tasks, files = work.tasks_of(request.user, at=timezone.now()), work.files_of(request.user)
        return super().index(request, {"tasks": tasks, "files": files} | (extra_context or {}))

    def get_app_list(self, request, app_label=None):
        """« Établissements » stands under E, not after Z."""
        listed = super().get_app_list(request, app_label)
        for app in listed:
            app["models"].sort(key=lambda model: slug(str(model["name"])))
        return listed

    def app_index(self, request, app_label, extra_context=None):
        """The home lists all of it already; 404 for an application where the person opens nothing."""
        super().app_index(request, app_label)
        return redirect("admin:completion_review_changelist" if app_label == "completion" else "admin:index")

    def password_change(self, request, extra_context=None):
        # Ours asks for the present one, ends the other sessions, and tells the person.
        return redirect("accounts:change_password")

    password_change_done = password_change

    def logout(self, request, extra_context=None):
        return sign_out(request)

    def i18n_javascript(self, request, extra_context=None):
        """Django's words for its scripts, and ours after them."""
        return JavaScriptCatalog.as_view(packages=["django.contrib.admin", "ims"])(request)

    @method_decorator(never_cache)
    def login(self, request, extra_context=None):
        if request.user.is_authenticated:  # sent here because the admin is not theirs
            raise PermissionDenied
        return redirect(resolve_url(settings.LOGIN_URL))
