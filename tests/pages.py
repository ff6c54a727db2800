"""What tests of pages share: people signed in, forms filled in as a browser would, what a page says, days ahead."""

import re
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from html import unescape
from html.parser import HTMLParser

from django.test import Client, RequestFactory
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY

from accounts.models import CodeDevice
from accounts.sessions import SessionStore
from requests_app.models import ServiceRequest
from tests.make import TORONTO


def ahead(days: int = 14, hour: int = 13) -> datetime:
    """An hour of a coming day; 14 days leave more than 48 business hours whatever the season."""
    return datetime.combine(timezone.localdate() + timedelta(days=days), time(hour), tzinfo=TORONTO)


def ago(days: int, hour: int = 13) -> datetime:
    return ahead(-days, hour)


# One for all: each new one starts the whole house again, and reads every static file.
HANDLER = Client().handler


def nobody() -> Client:
    client = Client()
    client.handler = HANDLER
    return client


def signed_in(user) -> Client:
    return sign_in(nobody(), user)


def sign_in(client: Client, user) -> Client:
    """Past the password, and the second factor if the person has one."""
    client.force_login(user)
    if device := CodeDevice.objects.filter(user=user, confirmed=True).first():
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
        session.save()
    return client


def request_of(user):
    """A request of somebody signed in, for what is drawn without a page around it."""
    request = RequestFactory().get("/")
    request.user, request.session = user, SessionStore()
    return request


def said(response) -> str:
    """What a person reads on a page, on one line, with ordinary spaces."""
    body = re.sub(r"(?s)<head>.*?</head>|<template>.*?</template>|</?b>", "", response.content.decode())
    return " ".join(unescape(re.sub("<[^>]*>", " ", body)).split())


def errors(response) -> dict:
    """What the page says beside each field: {name: message}."""
    found = re.findall(r'(?s)<ul class="errorlist" id="id_(\w+)_error">(.*?)</ul>', response.content.decode())
    return {name: " ".join(unescape(re.sub("<[^>]*>", "", text)).split()) for name, text in found}


def written(service_request: ServiceRequest) -> tuple:
    """All that a page could have written of a request: to compare before and after."""
    related = ("offers", "transitions", "messages", "communications", "relays")
    rows = [list(getattr(service_request, name).order_by("pk").values()) for name in related]
    return ServiceRequest.objects.filter(pk=service_request.pk).values().get(), rows


def copies(service_request: ServiceRequest, number: int, every: timedelta = timedelta()) -> list[ServiceRequest]:
    """As many more of the same, each starting `every` after the one before; the verbs would take a minute."""
    names = [given.attname for given in service_request._meta.concrete_fields if given.name != "id"]
    rows = [ServiceRequest(**{name: getattr(service_request, name) for name in names}) for _ in range(number)]
    for index, row in enumerate(rows, start=1):
        row.starts_at, row.ends_at = row.starts_at + index * every, row.ends_at + index * every
    return ServiceRequest.objects.bulk_create(rows)


# Forms


@dataclass
class Form:
    """A form of a page, with what a browser would send: choose, type, then `send`."""

    method: str = "get"
    action: str = ""
    fields: dict = field(default_factory=dict)
    buttons: list = field(default_factory=list)

    def send(self, client: Client, address: str, **typed):
        """Send it from the page at `address`; None leaves a field out."""
        data = {name: value for name, value in (self.fields | typed).items() if value is not None}
        return getattr(client, self.method)(self.action or address, data)


def forms(response) -> list[Form]:
    """The forms of a page, those of every page apart: « Se déconnecter », « Plus tard », « Rester connecté »."""
    reader = _Forms()
    reader.feed(response.content.decode())
    of_every_page = {"/deconnexion/", "/profil/plus-tard/"}
    return [form for form in reader.forms if form.action not in of_every_page and form.method != "dialog"]


def form_with(response, button: str) -> Form:
    """The form that has this button."""
    return next(form for form in forms(response) if button in form.buttons)


def press(client: Client, address: str, button: str, **typed):
    """Open the page, fill in the form of `button`, press it."""
    return form_with(client.get(address), button).send(client, address, **typed)


class _Forms(HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms, self.menu, self.text, self.is_template = [], None, None, False

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.forms.append(Form((given.get("method") or "get").lower(), given.get("action") or ""))
        elif tag == "template":
            self.is_template = True
        elif tag in ("input", "select", "option", "textarea", "button") and self.forms and not self.is_template:
            getattr(self, tag)(given)

    def handle_endtag(self, tag):
        if tag == "template":
            self.is_template = False
        elif self.text is not None and tag == "textarea":
            self.forms[-1].fields[self.name] = self.text.removeprefix("\n")
        elif self.text is not None and tag == "button":
            self.forms[-1].buttons.append(" ".join(self.text.split()))
        if tag in ("textarea", "button"):
            self.text = None

    def handle_data(self, data):
        if self.text is not None:
            self.text += data

    def input(self, given):
        name, kind, fields = given.get("name"), given.get("type", "text"), self.forms[-1].fields
        if not name or kind in ("submit", "file"):
            return
        if kind not in ("radio", "checkbox"):
            fields[name] = given.get("value") or ""
        elif "checked" in given:
            fields[name] = [*(fields.get(name) or []), given.get("value", "on")]
        else:
            fields.setdefault(name, None)

    def select(self, given):
        self.name = given["name"]
        self.forms[-1].fields[self.name] = None

    def option(self, given):
        fields = self.forms[-1].fields
        if fields[self.name] is None or "selected" in given:
            fields[self.name] = given.get("value", "")

    def textarea(self, given):
        self.name, self.text = given["name"], ""

    def button(self, given):
        self.text = ""
