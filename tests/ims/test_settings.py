"""Settings stop the start with a sentence that names the variable, and never open the demo to outsiders."""

import runpy
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from ims.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "SECRET_KEY": "a long enough key, and not one that anybody would ever use",
    "ALLOWED_HOSTS": "ims.example.org",
    "BASE_URL": "https://ims.example.org/",
    "DATABASE_URL": "postgresql://ims:s%40cret@db.example.org:6432/ims?sslmode=verify-full",
}
# What the tests themselves run with (tests/conftest.py) and a server does not.
OURS = (
    "DEMO",
    "HTTPS",
    "CONN_MAX_AGE",
    "QUEUE_TIMEOUT",
    "QUEUE_RETRY",
    "IMS_VAR",
    "MEDIA_ROOT",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
)


@pytest.fixture
def settings_with(monkeypatch):
    """Read the settings file as a server with this environment would."""

    def read(**changes):
        for name in OURS:
            monkeypatch.delenv(name, raising=False)
        for name, value in (PRODUCTION | changes).items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "ims" / "settings.py"))

    return read


@pytest.mark.parametrize("name", PRODUCTION)
def test_a_missing_variable_is_named(settings_with, name):
    with pytest.raises(ImproperlyConfigured, match=f"La variable {name} est requise"):
        settings_with(**{name: ""})


@pytest.mark.parametrize(("name", "value"), [("HTTPS", "oui"), ("DEMO", "true"), ("EMAIL_PORT", "smtp")])
def test_a_malformed_variable_is_named(settings_with, name, value):
    with pytest.raises(ImproperlyConfigured, match=f"^{name} doit"):
        settings_with(**{name: value})


@pytest.mark.parametrize("url", ["mysql://db/ims", "postgresql://db", "postgresql://db:port/ims", "db.example.org"])
def test_a_malformed_database_address_is_refused(settings_with, url):
    with pytest.raises(ImproperlyConfigured, match="^DATABASE_URL doit"):
        settings_with(DATABASE_URL=url)


@pytest.mark.parametrize(
    "url",
    [
        "osrm.example.org",
        "ftp://osrm",
        "http://",
        "https://osrm:port",
        "http://osrm/?a=1",
        "http://osrm/#a",
        "http://a b",
    ],
)
def test_an_address_that_is_no_routing_service_is_refused(settings_with, url):
    with pytest.raises(ImproperlyConfigured, match="^ROUTING_URL doit être une adresse http:// ou https://"):
        settings_with(ROUTING_URL=url)


@pytest.mark.parametrize(("name", "value"), [("ROUTING_CONNECT_SECONDS", "0"), ("ROUTING_READ_SECONDS", "60")])
def test_a_routing_service_is_never_waited_for_long(settings_with, name, value):
    with pytest.raises(ImproperlyConfigured, match=f"{name} (doit être )?de 1 à"):
        settings_with(**{name: value})


def test_without_a_routing_service_distances_are_estimates(settings_with):
    assert settings_with()["ROUTING_URL"] == ""
    assert settings_with(ROUTING_URL="http://osrm.example.org:5000/")["ROUTING_URL"] == "http://osrm.example.org:5000"


def test_every_part_of_the_database_address_is_used(settings_with):
    database = settings_with()["DATABASES"]["default"]

    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example.org", "6432", "ims")
    assert (database["USER"], database["PASSWORD"]) == ("ims", "s@cret")
    assert database["OPTIONS"]["sslmode"] == "verify-full"


def test_the_embedded_server_is_reached_by_its_socket(settings_with, tmp_path):
    server = EmbeddedPostgres(tmp_path / "pg")

    database = settings_with(DATABASE_URL=server.dsn())["DATABASES"]["default"]

    assert (database["HOST"], database["PORT"], database["NAME"]) == (str(server.socket), "5432", "ims")


def test_the_demo_is_refused_on_an_outside_database(settings_with):
    with pytest.raises(ImproperlyConfigured, match="DEMO=1 exige la base intégrée"):
        settings_with(DEMO="1", ALLOWED_HOSTS="127.0.0.1")


def test_the_demo_is_refused_to_other_machines(settings_with, tmp_path):
    with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS limité à 127.0.0.1"):
        settings_with(DEMO="1", DATABASE_URL=EmbeddedPostgres(tmp_path).dsn(), ALLOWED_HOSTS="localhost,0.0.0.0")


def test_a_server_runs_nothing_of_the_demo(settings_with):
    server = settings_with()
    assert [name for name in server["MIDDLEWARE"] + server["INSTALLED_APPS"] if "demo" in name] == []


def test_cookies_travel_on_https_only_unless_it_is_turned_off(settings_with):
    production, local = settings_with(), settings_with(HTTPS="0")

    names = [production[f"{cookie}_COOKIE_NAME"] for cookie in ("SESSION", "CSRF", "TRUST")]
    assert names == ["__Host-session", "__Host-csrf", "__Host-trusted"]
    assert production["SESSION_COOKIE_SECURE"] and production["CSRF_COOKIE_SECURE"]
    assert "SESSION_COOKIE_SECURE" not in local


@pytest.mark.parametrize("given", [{"TWILIO_ACCOUNT_SID": "AC1"}, {"TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM": "+1"}])
def test_a_provider_of_text_messages_is_configured_whole_or_not_at_all(settings_with, given):
    with pytest.raises(ImproperlyConfigured, match="TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN et TWILIO_FROM"):
        settings_with(**given)
