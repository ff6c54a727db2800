"""The accounts and the directory in the admin: what an administrator may change, and what would break the house."""

import pytest
from django.urls import reverse

from accounts.models import Language, User
from accounts.roles import Role
from requests_app.models import Holiday
from tests import make
from tests.pages import signed_in

pytestmark = pytest.mark.django_db


def change_page(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def fields_of(row):
    """The names an administrator can type on the page of a row."""
    page = signed_in(make.administrator()).get(change_page(row))
    return set(page.context["adminform"].form.fields)


def test_the_account_of_the_system_is_nobodys_to_edit():
    page = signed_in(make.administrator()).get(change_page(make.system()))
    assert page.status_code == 302
    assert not User.objects.exclude(role=Role.SYSTEM).filter(pk=make.system().pk).exists()


def test_a_role_is_given_once():
    assert "role" not in fields_of(make.coordinator())


def test_no_new_account_can_be_the_systems():
    page = signed_in(make.administrator()).get(reverse("admin:accounts_user_add"))
    assert Role.SYSTEM not in dict(page.context["adminform"].form.fields["role"].choices)


def test_an_interpreter_is_not_deactivated_with_bookings_in_hand():
    assert "is_active" not in fields_of(make.alice())
    assert "is_active" in fields_of(make.coordinator())


@pytest.mark.parametrize("model", [Language, Holiday])
def test_a_key_is_typed_once(model):
    row = model.objects.first()
    assert model._meta.pk.name not in fields_of(row)


def test_password_hashes_cannot_be_guessed_by_filtering():
    page = signed_in(make.administrator()).get(reverse("admin:accounts_user_changelist"), {"password__startswith": "a"})
    assert page.status_code == 400
