"""Where one goes after a sign-in: a page of ours, and one that can be opened."""

from urllib.parse import urlsplit

from django.utils.http import url_has_allowed_host_and_scheme


def ours(request, target: str) -> str:
    """A page of ours, else home."""
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else "/"


def page_of(request) -> str:
    """The page a request comes from: its own address, or for a form that of its page; empty when unknown."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    # The address of a form may take nothing but a POST.
    sent_from = request.headers.get("Referer", "")
    return (
        urlsplit(sent_from)._replace(scheme="", netloc="", fragment="").geturl()
        if ours(request, sent_from) != "/"
        else ""
    )
