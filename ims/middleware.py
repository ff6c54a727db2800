from django.shortcuts import render

from requests_app.views.access import Gone


class PrivateCacheMiddleware:
    """No page of a signed-in person is kept by a browser or a proxy: shared tablets, back button."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if request.user.is_authenticated:
            response["Cache-Control"] = "private, no-store"
        return response


class GoneMiddleware:
    """« Cette demande n'est plus disponible. »: what a former holder reads; 404 for a reading, 409 for an action."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if isinstance(exception, Gone):
            return render(request, "errors/409.html", status=409 if request.method == "POST" else 404)
