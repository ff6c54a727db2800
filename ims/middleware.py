class PrivateCacheMiddleware:
    """No page of a signed-in person is kept by a browser or a proxy: shared tablets, back button."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if request.user.is_authenticated:
            response["Cache-Control"] = "private, no-store"
        return response
