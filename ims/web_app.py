"""IMS on a telephone: its manifest, its worker and the page that says how to install it. Nothing here is anybody's."""

import hashlib
import json
from functools import cache

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from completion.views.offline import offline

BAND = "#0b3f75"
# All that the page « hors ligne » loads, and nothing else: the worker keeps these and that page.
OFFLINE_FILES = [
    "css/base.css",
    "css/components.css",
    "css/record.css",
    "icons/favicon.svg",
    "js/app.js",
    "js/device.js",
    "js/estimate.js",
    "js/offline.js",
    "js/photo.js",
    "js/repeat.js",
    "js/resume.js",
    "js/sending.js",
    "js/sheet.js",
]
ICONS = [("icons/app-192.png", 192, "any"), ("icons/app-512.png", 512, "any")]
ICONS += [("icons/app-maskable-512.png", 512, "maskable")]
SHORTCUTS = [("À venir", "/?vue=a-venir"), ("Tous", "/?vue=tous")]


@login_not_required
@require_safe
def manifest(request):
    """What a telephone reads to install the application (screens.md, 4)."""
    said = {
        "id": "/",
        "name": "IMS, Banque d’interprètes du RSSS",
        "short_name": "IMS",
        "description": "Vos demandes d’interprétation et leurs détails de l’achèvement.",
        "lang": "fr-CA",
        "dir": "ltr",
        "start_url": "/?vue=a-venir",
        "scope": "/",
        "display": "standalone",
        "theme_color": BAND,
        "background_color": BAND,
        "icons": [_icon(*icon) for icon in ICONS],
        "shortcuts": [{"name": name, "url": url, "icons": [_icon(*ICONS[0])]} for name, url in SHORTCUTS],
    }
    return _fresh(JsonResponse(said, content_type="application/manifest+json"))


@login_not_required
@require_safe
def worker(request):
    """The service worker, whose text changes with each release: browsers then replace the one they have."""
    return _fresh(HttpResponse(_worker(), content_type="text/javascript; charset=utf-8"))


@login_not_required
@require_safe
def install(request):
    """« Installer l'application »: there is no store, the browser does it."""
    return render(request, "app/install.html")


def _icon(name: str, size: int, purpose: str) -> dict:
    return {"src": static(name), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}


def _fresh(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-cache"
    return response


@cache
def _worker() -> str:
    files = [static(name) for name in OFFLINE_FILES]
    given = {"version": _version(), "page": reverse("completion:offline"), "files": json.dumps(files)}
    return render_to_string("app/sw.js", given)


def _version() -> str:
    """Another one as soon as a word of the page « hors ligne » changes, the same for all: it is kept as read."""
    asked = HttpRequest()
    asked.method = "GET"
    return hashlib.sha256(offline(asked).content).hexdigest()[:12]


app_name = "app"
urlpatterns = [
    path("manifest.webmanifest", manifest, name="manifest"),
    path("sw.js", worker, name="worker"),
    path("aide/installer/", install, name="install"),
]
