from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, resolve_url
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts.mfa import has_verified
from accounts.views.sign_in import sign_out


class ImsAdminSite(AdminSite):
    """Django's admin behind our own sign-in: validators and administrators, with their second factor."""

    site_title = site_header = "Banque d’interprètes du RSSS"
    index_title = "Validation et répertoire"
    # For its people « le site » is this one; and the lists need the whole width.
    site_url, enable_nav_sidebar = None, False

    def has_permission(self, request):
        return super().has_permission(request) and has_verified(request)

    def password_change(self, request, extra_context=None):
        # Ours asks for the present one, ends the other sessions, and tells the person.
        return redirect("accounts:change_password")

    password_change_done = password_change

    def logout(self, request, extra_context=None):
        return sign_out(request)

    @method_decorator(never_cache)
    def login(self, request, extra_context=None):
        if request.user.is_authenticated:  # sent here because the admin is not theirs
            raise PermissionDenied
        return redirect(resolve_url(settings.LOGIN_URL))
