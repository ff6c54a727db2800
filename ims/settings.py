"""One file, read top to bottom. A missing or malformed variable stops the start with a sentence that names it."""

import os
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from ims.postgres import is_embedded

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("IMS_VAR", BASE_DIR / "var"))


def flag(name: str, default: str) -> bool:
    value = os.environ.get(name, default)
    if value not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} doit valoir 0 ou 1, pas {value!r}.")
    return value == "1"


def number(name: str, default: str) -> int:
    value = os.environ.get(name, default)
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} doit être un nombre entier, pas {value!r}.")
    return int(value)


def day(name: str, default: str) -> date:
    value = os.environ.get(name, default)
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} doit être une date AAAA-MM-JJ, pas {value!r}.") from error


def required(name: str) -> str:
    if not (value := os.environ.get(name)):
        raise ImproperlyConfigured(f"La variable {name} est requise (voir README, « Operations »).")
    return value


# Demo and tests set these; production sets SECRET_KEY, ALLOWED_HOSTS, BASE_URL and DATABASE_URL.
DEMO = flag("DEMO", "0")
HTTPS = flag("HTTPS", "1")
DEBUG = False
SECRET_KEY = required("SECRET_KEY")
ALLOWED_HOSTS = required("ALLOWED_HOSTS").split(",")
BASE_URL = required("BASE_URL").rstrip("/")

INSTANCE_ID = "CIUSSS"
# How many of our own proxies stand before the server: each adds one address to X-Forwarded-For.
PROXIES = number("PROXIES", "1" if HTTPS else "0")

# Pay is computed by periods of so many days, the first of which begins that day; those already computed stay.
PAY_PERIOD_DAYS = number("PAY_PERIOD_DAYS", "14")
PAY_PERIOD_FIRST_DAY = day("PAY_PERIOD_FIRST_DAY", "2024-11-04")
if not 1 <= PAY_PERIOD_DAYS <= 366:
    raise ImproperlyConfigured("PAY_PERIOD_DAYS doit être de 1 à 366\u00a0jours.")

INSTALLED_APPS = [
    "ims.apps.ImsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_htmx",
    "django_q",
    "accounts",
    "requests_app",
    "billing",
    "completion",
    "ims.apps.ImsConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "ims.middleware.CompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.AuthenticationMiddleware",
    "accounts.middleware.RenewalMiddleware",
    "accounts.middleware.SignedInMiddleware",
    "accounts.middleware.SecondFactorMiddleware",
    "accounts.middleware.ThrottledMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "ims.middleware.PrivateCacheMiddleware",
    "ims.middleware.GoneMiddleware",
    "ims.middleware.ButtonAddressMiddleware",
]
if DEMO:
    MIDDLEWARE.append("ims.demo.middleware.WelcomeMiddleware")

ROOT_URLCONF = "ims.urls"
WSGI_APPLICATION = "ims.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["accounts.templatetags.french"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ims.context.site",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# DATABASE_URL wins; without it, `run.py` gives the address of the embedded server (ims/local.py).


def database(url: str) -> dict:
    malformed = "DATABASE_URL doit avoir la forme postgresql://utilisateur:motdepasse@hote:port/base"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(malformed) from error
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(malformed)
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": options.pop("port", str(port or "")),
        # No connection pool: it corrupts across the worker's forks (django ticket 31637).
        "CONN_MAX_AGE": number("CONN_MAX_AGE", "60"),
        "CONN_HEALTH_CHECKS": True,
        # Nobody waits for ever for a row that somebody else holds.
        "OPTIONS": {"connect_timeout": 5, "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=5min"}
        | options,
    }


DATABASES = {"default": database(required("DATABASE_URL"))}
if DEMO and not (is_embedded(required("DATABASE_URL")) and {"127.0.0.1", "localhost"}.issuperset(ALLOWED_HOSTS)):
    raise ImproperlyConfigured("DEMO=1 exige la base intégrée et ALLOWED_HOSTS limité à 127.0.0.1 et localhost.")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:login"
AUTHENTICATION_BACKENDS = ["accounts.backends.PasswordBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.ContextValidator"},
]
PASSWORD_RESET_TIMEOUT = 3600
OTP_TOTP_ISSUER = "IMS – Banque d’interprètes"
# Tries are counted for the account, whatever the device (accounts/throttling.py).
OTP_TOTP_THROTTLE_FACTOR = 0
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 30 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
TRUST_COOKIE_NAME = "trusted"
CSRF_FAILURE_VIEW = "ims.errors.csrf_failure"
if HTTPS:
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    TRUST_COOKIE_NAME = "__Host-trusted"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
        "worker-src": [SELF],
    }
}

LANGUAGE_CODE = "fr-ca"
TIME_ZONE = "America/Toronto"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["ims.formats"]
LOCALE_PATHS = [BASE_DIR / "ims" / "locale"]

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT", VAR / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

EMAIL_BACKEND = os.environ.get("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = number("EMAIL_PORT", "25")
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = flag("EMAIL_USE_TLS", "0")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = "Banque d’interprètes <biq@ssss.gouv.qc.ca>"

# Without an account no text message leaves: each is « non remis ». TWILIO_BASE_URL points the client elsewhere.
TWILIO_ACCOUNT_SID = os.environ.get("TWILIO_ACCOUNT_SID", "")
TWILIO_AUTH_TOKEN = os.environ.get("TWILIO_AUTH_TOKEN", "")
TWILIO_FROM = os.environ.get("TWILIO_FROM", "")
if any(given := [TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM]) and not all(given):
    raise ImproperlyConfigured(
        "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN et TWILIO_FROM vont ensemble\u00a0: les trois, ou aucune."
    )
TWILIO_BASE_URL = os.environ.get("TWILIO_BASE_URL", "")
TWILIO_TIMEOUT = 10

# Without a routing service (OSRM's protocol) distances are estimates. Its address is the BI's own or under agreement:
# it is told where interpreters live.


def address(name: str) -> str:
    value = os.environ.get(name, "")
    malformed = f"{name} doit être une adresse http:// ou https://, par exemple http://127.0.0.1:5000, sans « ? »."
    try:
        parts = urlsplit(value)
        is_whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError as error:
        raise ImproperlyConfigured(malformed) from error
    if value and (not is_whole or parts.query or parts.fragment or not value.isprintable() or " " in value):
        raise ImproperlyConfigured(malformed)
    return value.rstrip("/")


ROUTING_URL = address("ROUTING_URL")
ROUTING_CONNECT_SECONDS = number("ROUTING_CONNECT_SECONDS", "3")
ROUTING_READ_SECONDS = number("ROUTING_READ_SECONDS", "10")
if not (1 <= ROUTING_CONNECT_SECONDS <= 10 and 1 <= ROUTING_READ_SECONDS <= 20):
    raise ImproperlyConfigured("ROUTING_CONNECT_SECONDS doit être de 1 à 10, ROUTING_READ_SECONDS de 1 à 20.")

# django-q2 is at-least-once: tasks carry primary keys only and the record is our own Notification row.
Q_CLUSTER = {
    "name": "ims",
    "orm": "default",
    "workers": 2,
    "timeout": number("QUEUE_TIMEOUT", "60"),
    "retry": number("QUEUE_RETRY", "120"),
    "max_attempts": 5,
    "ack_failures": False,
    "poll": 0.2,
    "bulk": 1,
    # Told to stop, a cluster first does what its workers have before them.
    "queue_limit": 1,
    "catch_up": False,
    "save_limit": 100,
    "label": "Tâches",
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without_keys": {"()": "ims.logs.WithoutKeys"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["without_keys"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # It would write the addresses it tries again, with the telephone numbers we look up.
    "loggers": {"urllib3": {"level": "ERROR"}},
}
