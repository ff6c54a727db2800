from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, resolve_url
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache


class ImsAdminSite(AdminSite):
    """Django's admin behind our own sign-in: validators and administrators, with their second factor."""

    site_title = site_header = "Banque d’interprètes du RSSS"
    index_title = "Validation et répertoire"

    def has_permission(self, request):
        is_verified = not settings.SECOND_FACTOR_REQUIRED or request.user.is_verified()
        return super().has_permission(request) and is_verified

    @method_decorator(never_cache)
    def login(self, request, extra_context=None):
        if request.user.is_authenticated:  # sent here because the admin is not theirs
            raise PermissionDenied
        return redirect(resolve_url(settings.LOGIN_URL))
