"""What machines can see of the code, and what the tests themselves promise (tests/conftest.py)."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from django.core.management import call_command
from django.template import Context, Template
from django.test import TransactionTestCase

from accounts.models import Language, User
from tests.ims.test_settings import OURS, PRODUCTION

ROOT = Path(__file__).resolve().parents[2]


def run(*command, **changes):
    env = {name: value for name, value in os.environ.items() if name not in OURS} | changes
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing_to_say():
    run("-m", "ruff", "check", "--no-cache", ".")


def test_every_file_is_formatted_the_same_way():
    run("-m", "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.django_db
def test_no_migration_was_forgotten():
    call_command("makemigrations", check=True, dry_run=True)


def test_production_settings_pass_the_deployment_checks():
    run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)


def test_an_unknown_template_variable_fails():
    with pytest.raises(pytest.fail.Exception, match="nowhere"):
        Template("{{ nowhere }}").render(Context())


def test_a_warning_is_an_error():
    with pytest.raises(UserWarning):
        warnings.warn("doubtful", stacklevel=1)


@pytest.mark.django_db(transaction=True)
def test_after_a_test_with_real_transactions_only_the_reference_data_is_left():
    known = set(Language.objects.values_list("name", flat=True))
    Language.objects.create(code="essai", name="essai")

    TransactionTestCase._fixture_teardown(None)

    assert set(Language.objects.values_list("name", flat=True)) == known
    assert [user.username for user in User.objects.all()] == ["systeme"]
