from django.http import HttpResponseNotAllowed
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render

from requests_app.views.access import Gone


class CompressionMiddleware(GZipMiddleware):
    """Our pages, four times lighter on a telephone's network; photos and documents are compressed already.

    What a page repeats of its address beside a secret could be guessed by its length (BREACH): Django masks its CSRF
    token in each page, and adds a random length to each answer.
    """

    def process_response(self, request, response):
        is_page = response.get("Content-Type", "").startswith("text/html")
        return super().process_response(request, response) if is_page else response


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
            status = 409 if request.method == "POST" else 404
            return render(request, "errors/409.html", {"reason": str(exception)}, status=status)


class ButtonAddressMiddleware:
    """The address of a button, typed or kept by a browser: a page that says so, instead of Django's empty 405."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        page = render(request, "errors/405.html", status=response.status_code)
        page["Allow"] = response["Allow"]
        return page
