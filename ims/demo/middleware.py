from django.shortcuts import redirect


class WelcomeMiddleware:
    """In a demo, the first page of who has no session is « Qui est qui »; elsewhere it is the sign-in (settings.py)."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        # A script that asks for a part of the home, or a filter of it, goes to the sign-in and then comes back.
        is_first = request.method in ("GET", "HEAD") and request.get_full_path() == "/"
        if is_first and "HX-Request" not in request.headers and not request.user.is_authenticated:
            return redirect("demo:index")
        return self.get_response(request)
