from django.conf import settings
from django.core.exceptions import PermissionDenied


class SecondFactorMiddleware:
    """Closes every page to a signed-in person who has not given a second factor; public views stay open."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        is_public = not getattr(view, "login_required", True)
        if not settings.SECOND_FACTOR_REQUIRED or is_public or request.user.is_verified():
            return
        raise PermissionDenied("Un code de vérification est requis.")
