"""One database server for the whole run, a real browser, and a Django that forgives nothing."""

import gc
import os
import re
import shutil
import tempfile
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import django
import pytest

from ims.postgres import EmbeddedPostgres, PostgresError
from tests import counts

# Each process of a run has its own server; those that xdist starts inherit what the first one found.
VAR = Path(__file__).resolve().parent.parent / "var" / "test" / os.environ.get("PYTEST_XDIST_WORKER", "")
DATABASE = os.environ.setdefault("IMS_TEST_DATABASE", "given" if "DATABASE_URL" in os.environ else "embedded")
MEDIA = tempfile.mkdtemp(prefix="ims-media-")
SERVER = None if DATABASE == "given" else EmbeddedPostgres(VAR / "pg", fast=True)
# Before the settings are read. The demo's pages exist only beside the embedded server.
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "ims.settings",
    "DATABASE_URL": SERVER.dsn() if SERVER else os.environ["DATABASE_URL"],
    "DEMO": "1" if SERVER else "0",
    "SECRET_KEY": "a key for tests only, never used elsewhere",
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "BASE_URL": "http://127.0.0.1:8000",
    "HTTPS": "0",
    "IMS_VAR": str(VAR),
    "MEDIA_ROOT": MEDIA,
    "CONN_MAX_AGE": "0",
    "QUEUE_TIMEOUT": "3",
    "QUEUE_RETRY": "5",
    "HYPOTHESIS_STORAGE_DIRECTORY": str(VAR / "hypothesis"),  # the constants it reads in our code
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # playwright runs an event loop in the tests' own thread
}
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import TransactionTestCase  # noqa: E402

from ims.reference import seed_reference  # noqa: E402
from ims.static import collect_when_changed  # noqa: E402
from tests import pages, visitors  # noqa: E402

# The first page is that of a house for good; tests/ims/test_demo_entry.py puts the demo's own back.
settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.startswith("ims.demo.")]
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a good one is slow on purpose


WAYS = [("desk", "phone"), ("True", "False"), ("script", "no script"), ("scripts", "no scripts")]


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="aussi les tests longs, avec tous leurs tours")
    parser.addoption("--screenshots", action="store_true", help="reprend les images de l’aide et du README, sans autre")


def pytest_configure(config):
    counts.is_long = config.getoption("--long")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    """Each process reads the settings after this file has told it where its own server is."""
    os.environ.pop("DJANGO_SETTINGS_MODULE")


def pytest_unconfigure():
    shutil.rmtree(MEDIA, ignore_errors=True)


def pytest_collection_finish():
    """What was imported stays: looking through it again and again for garbage takes a twentieth of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def pytest_collection_modifyitems(config, items):
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")
    only_pictures = config.getoption("--screenshots")
    left = {item for item in items if bool(item.get_closest_marker("screenshots")) != only_pictures}
    if not config.getoption("--long"):
        left |= {item for item in items if item.get_closest_marker("long") or is_for_the_other_screen(item)}
    config.hook.pytest_deselected(items=[item for item in items if item in left])
    items[:] = [item for item in items if item not in left]


def is_for_the_other_screen(item) -> bool:
    """A journey written for a desk and a phone, or with and without scripts, is made one way at every run, both with
    --long.
    """
    words = set(re.split(r"[\[\]-]", item.name))
    if not item.get_closest_marker("browser"):
        return False
    turn = zlib.crc32(item.originalname.encode()) % 2
    return any(words & set(ways) and ways[turn] not in words for ways in WAYS)


# ---- database


@pytest.fixture(scope="session")
def django_db_modify_db_settings():
    """Start the server for the first test that needs it; runs side by side each have their own database."""
    if not SERVER:
        yield
        return
    with suppress(PostgresError):  # another run uses it
        SERVER.discard()  # what a killed run or a power cut left
    SERVER.start()
    connection.settings_dict["TEST"]["NAME"] = f"test_ims_{os.getpid()}"
    yield
    SERVER.stop()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """At the end, a page that a browser left while it was loading may still hold the database: it is not waited for."""
    yield
    connection.close()  # the last test may have left one that somebody ended
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"{others} AND pid <> pg_backend_pid()")


@pytest.fixture
def database_url(transactional_db):
    """The address of the test database, for a process that a test starts."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"]).geturl()


# Django's own tables that are filled by `migrate` and never change after.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}


@cache
def emptying() -> str:
    """Rows are deleted, once whoever writes has ended: to truncate as many small tables takes ten times as long."""
    tables = sorted(set(connection.introspection.table_names()) - KEPT)
    numbers = [column["name"] for column in connection.introspection.sequence_list() if column["table"] in tables]
    return (
        "BEGIN; SET LOCAL lock_timeout = '10s'; SET LOCAL session_replication_role = replica;"
        + f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE;"
        + "".join(f"DELETE FROM {table};" for table in tables)
        + "".join(f"SELECT setval('{name}', 1, false);" for name in numbers)
        + "COMMIT"
    )


def empty_and_seed(test_case):
    """Instead of Django's flush, which the append-only triggers refuse and which loses the reference data."""
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(emptying())
    seed_reference()


TransactionTestCase._fixture_teardown = empty_and_seed


# ---- pages


@pytest.fixture
def client():
    """Nobody, with the handler that all tests share (pages.py): a new one reads every static file again."""
    return pages.nobody()


@pytest.fixture(scope="module")
def server(django_db_setup):
    """The port of the real server, for browsers that press together."""
    with visitors.serving() as port:
        yield port


@pytest.fixture(scope="session", autouse=True)
def static_files():
    collect_when_changed()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        missing = "chromium introuvable : apt install chromium, ou CHROMIUM=/chemin/du/navigateur"
        pytest.fail(missing) if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip(missing)
    quiet = ["background-networking", "component-update", "sync", "quic", "gpu", "dev-shm-usage"]
    # No sandbox: root has none, and these pages are ours.
    options = ["--no-first-run", "--no-sandbox", *(f"--disable-{name}" for name in quiet)]
    return {**browser_type_launch_args, "executable_path": chromium, "args": options}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {**browser_context_args, "locale": "fr-CA", "reduced_motion": "reduce", "timezone_id": "America/Toronto"}
