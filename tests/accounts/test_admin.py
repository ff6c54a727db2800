"""The accounts and the directory in the admin: what an administrator may change, and what would break the house."""

import re
import threading
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY

from accounts import services
from accounts.models import AccountEvent, CodeDevice, Language, Notification, User
from accounts.roles import Role
from billing.models import PayLine
from requests_app.models import Holiday, ServiceRequest, Transition
from tests import make
from tests.accounts.steps import again, temporary_password_of
from tests.pages import forms, nobody, press, said, signed_in

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


@pytest.mark.parametrize("model", [Language, Holiday])
def test_a_key_is_typed_once(model):
    row = model.objects.first()
    assert model._meta.pk.name not in fields_of(row)


def test_password_hashes_cannot_be_guessed_by_filtering():
    page = signed_in(make.administrator()).get(reverse("admin:accounts_user_changelist"), {"password__startswith": "a"})
    assert page.status_code == 400


@pytest.mark.parametrize("lookup", ["sessions", "sessions__gte", "trusted_browsers__token_hash__gte", "events__detail"])
def test_what_an_account_leads_to_is_not_read_letter_by_letter(lookup):
    page = signed_in(make.administrator()).get(reverse("admin:accounts_user_changelist"), {lookup: "a"})
    assert page.status_code == 400


@pytest.mark.parametrize("query", ["role__exact=%00", "q=%00", "connexion=jamais%00", "p=%00"])
def test_a_null_character_in_an_address_of_the_admin_is_left_out(query):
    page = signed_in(make.administrator()).get(f"{reverse('admin:accounts_user_changelist')}?{query}")
    assert (page.status_code, page["Location"]) == (302, reverse("admin:accounts_user_changelist"))


def test_signing_out_of_the_admin_clears_the_browser():
    left = signed_in(make.administrator()).post(reverse("admin:logout"))
    assert left["Clear-Site-Data"] == '"cache", "storage"'


def test_an_account_is_found_without_its_accents():
    make.validator()
    page = signed_in(make.administrator()).get(reverse("admin:accounts_user_changelist"), {"q": "valere"})
    assert [user.first_name for user in page.context["cl"].result_list] == ["Valère"]


# Accounts


def page_of(user, name="change"):
    return reverse(f"admin:accounts_user_{name}", args=[user.pk])


def nina(**fields) -> dict:
    """An interpreter as an administrator types her."""
    person = {"username": "Nina01", "first_name": "Nina", "last_name": "Petrova", "email": "nina@exemple.test"}
    place = {"role": "interpreter", "institution": make.institution().pk, "languages": ["russe", "arabe"]}
    return {**person, **place, "mobile_phone": "(514) 555-0123"} | fields


def send(address, **typed):
    """Fill in the form of an admin page and save it."""
    client = signed_in(make.administrator())
    form = next(form for form in forms(client.get(address)) if "username" in form.fields)
    return form.send(client, address, **typed)


def wrong_fields(response) -> dict:
    return {name: list(said) for name, said in response.context["adminform"].form.errors.items()}


def test_an_interpreter_is_created_on_one_page_and_invited():
    answer = send(reverse("admin:accounts_user_add"), **nina())
    made = User.objects.get(username="nina01")
    assert answer["Location"] == page_of(made)
    assert made.mobile_phone == "+15145550123"
    assert set(made.interpreter_profile.languages.values_list("code", flat=True)) == {"arabe", "russe"}
    assert made.interpreter_profile.home_institution == make.institution()
    assert made.notifications.get().topic == "invitation"


def test_creating_says_where_the_access_goes():
    client = signed_in(make.administrator())
    form = next(form for form in forms(client.get(reverse("admin:accounts_user_add"))) if "username" in form.fields)
    answer = form.send(client, reverse("admin:accounts_user_add"), **nina())
    sentence = "L’identifiant et un mot de passe temporaire partent par courriel à nina@exemple.test."
    assert sentence in said(client.get(answer["Location"]))


NOT_ACCEPTED = {
    ("email", ""): "obligatoire",
    ("email", "nina@"): "adresse complète",
    ("username", "ni na"): "sans espace",
    ("username", "alice"): "Un compte a déjà cet identifiant.",
    ("last_name", "=1+1"): "ne commence ni",
    ("mobile_phone", "555"): "10 chiffres",
    ("mobile_phone", "+33 6 12 34 56 78"): "Canada",
    ("institution", ""): "établissement",
    ("languages", None): "au moins une langue",
    ("role", ""): "obligatoire",
    ("role", "system"): "choix valide",
    ("home_latitude", "45.5"): "aucune des deux",
}


@pytest.mark.parametrize(("field", "typed"), NOT_ACCEPTED)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_created(field, typed):
    make.alice()
    page = send(reverse("admin:accounts_user_add"), **nina(**{field: typed}))
    beside = "home_longitude" if field == "home_latitude" else field
    assert page.status_code == 422
    assert NOT_ACCEPTED[field, typed] in " ".join(wrong_fields(page)[beside])
    assert not User.objects.filter(last_name="Petrova").exists()


def test_a_requester_belongs_to_an_institution_and_staff_to_none():
    send(reverse("admin:accounts_user_add"), **nina(role="requester", languages=None))
    send(reverse("admin:accounts_user_add"), **nina(username="nina02", role="coordinator", languages=None))
    assert User.objects.get(username="nina01").institution == make.institution()
    assert User.objects.get(username="nina02").institution is None


def test_f11_a_new_address_is_told_to_the_former_one_and_kept_in_history():
    alice = make.alice()
    send(page_of(alice), email="neuve@exemple.test")
    assert again(alice).email == "neuve@exemple.test"
    assert alice.notifications.get(topic="contact_changed").address == "alice@exemple.test"
    assert alice.events.get(kind="contact_changed").by == make.administrator()


def test_an_access_sent_to_a_wrong_address_is_sent_again_to_the_right_one():
    alice = make.alice()
    former = temporary_password_of(alice)
    send(page_of(alice), email="neuve@exemple.test")
    assert not again(alice).check_password(former)
    assert alice.notifications.filter(topic="invitation", state="due").count() == 1


def test_saving_a_page_changes_only_what_was_typed():
    alice, client = make.alice(), signed_in(make.administrator())
    form = next(form for form in forms(client.get(page_of(alice))) if "username" in form.fields)
    drawn = temporary_password_of(alice)  # the worker sends the access while the page is open
    form.send(client, page_of(alice), last_name="Nouveau")
    assert (again(alice).last_name, again(alice).check_password(drawn)) == ("Nouveau", True)


def test_the_languages_of_an_interpreter_are_changed_on_the_account_s_page():
    alice = make.alice()
    send(page_of(alice), languages=["russe"])
    assert list(alice.interpreter_profile.languages.values_list("code", flat=True)) == ["russe"]


def test_a_number_is_shown_as_people_write_it():
    page = signed_in(make.administrator()).get(page_of(make.protected(make.alice())))
    assert page.context["adminform"].form.initial["mobile_phone"] == "514\u00a0555-0199"


def test_nobody_is_activated_by_a_check_box():
    for who in (make.alice(), make.coordinator(), make.requester()):
        assert "is_active" not in fields_of(who)


def test_the_page_says_how_the_account_stands_and_what_happened_to_it():
    alice = make.protected(make.alice())
    User.objects.filter(pk=alice.pk).update(sms_stopped_at=timezone.now())
    temporary_password_of(alice)
    text = said(signed_in(make.administrator()).get(page_of(alice)))
    for words in ("Invitation", "Mot de passe temporaire jusqu’au", "SMS", "STOP reçu", "Accès envoyé", "Adèle"):
        assert words in text


def test_the_history_of_an_account_has_its_twenty_newest_lines():
    alice = make.alice()
    for day in range(25):
        services.record(alice, "signed_in", by=alice, at=make.NOW + timedelta(days=day))
    events = list(signed_in(make.administrator()).get(page_of(alice)).context["events"])
    assert [event.at.day for event in events[:2]] == [27, 26]
    assert len(events) == 20


# Access, one account at a time

BUTTONS = {
    "resend": ("Renvoyer l’accès", "invited"),
    "factor_reset": ("Réinitialiser le code de vérification", "factor_reset"),
    "reactivate": ("Réactiver le compte", "reactivated"),
}


def ready_for(name):
    alice = make.protected(make.alice())
    if name == "reactivate":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    return alice


@pytest.mark.parametrize("name", BUTTONS)
def test_what_is_done_to_an_access_says_what_follows_then_does_it(name):
    alice, client = ready_for(name), signed_in(make.administrator())
    button, kind = BUTTONS[name]
    assert page_of(alice, name) in client.get(page_of(alice)).content.decode()
    client.get(page_of(alice, name))
    assert not alice.events.exists()
    assert press(client, page_of(alice, name), button)["Location"] == page_of(alice)
    assert alice.events.filter(kind=kind, by=make.administrator()).exists()


@pytest.mark.parametrize("name", BUTTONS)
def test_what_is_done_to_an_access_is_not_done_to_one_s_own_nor_to_the_system_s(name):
    client = signed_in(make.administrator())
    assert page_of(make.administrator(), name) not in client.get(page_of(make.administrator())).content.decode()
    for method in (client.get, client.post):
        assert method(page_of(make.administrator(), name)).status_code == 409
        assert method(page_of(make.system(), name)).status_code == 404
    assert not make.administrator().events.exists()


@pytest.mark.parametrize("name", BUTTONS)
@pytest.mark.parametrize("who", [make.validator, make.coordinator, make.alice])
def test_what_is_done_to_an_access_is_an_administrator_s(name, who):
    client, target = signed_in(who()), page_of(ready_for(name), name)
    assert client.post(target).status_code in {302, 403}
    assert not make.alice().events.exists()


def test_f11_the_page_of_a_reset_asks_who_calls_and_shows_no_secret():
    alice, client = make.protected(make.alice()), signed_in(make.administrator())
    password = temporary_password_of(alice)
    page = client.get(page_of(alice, "factor_reset"))
    assert "Vérifiez d’abord qui appelle" in said(page)
    after = press(client, page_of(alice, "factor_reset"), "Réinitialiser le code de vérification")
    shown = page.content.decode() + client.get(after["Location"]).content.decode()
    assert password not in shown and not re.search(r"(?<![\d-])\d{6}(?![\d-])", said(page))


# The list


def listed(**asked):
    client = signed_in(make.administrator())
    return client.get(reverse("admin:accounts_user_changelist"), asked)


def test_who_never_came_in_is_found():
    User.objects.filter(pk=make.bob().pk).update(last_login=timezone.now())
    make.alice()
    names = {user.username for user in listed(connexion="jamais").context["cl"].result_list}
    assert "alice" in names and "bob" not in names


def test_the_list_takes_a_fixed_number_of_queries(django_assert_num_queries):
    client = signed_in(make.administrator())
    address = reverse("admin:accounts_user_changelist")
    make.alice(), make.requester()
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    make.bob(), make.charlie(), make.other_requester(), make.interpreter("Denise")
    with django_assert_num_queries(len(few)):
        client.get(address)


def send_again_to(*users):
    client = signed_in(make.administrator())
    ticked = {"action": "send_access_again", "_selected_action": [user.pk for user in users]}
    return client.post(reverse("admin:accounts_user_changelist"), ticked, follow=True)


def test_the_access_is_sent_again_to_those_who_never_came_in():
    User.objects.filter(pk=make.bob().pk).update(last_login=timezone.now())
    page = send_again_to(make.alice(), make.bob())
    assert "Accès renvoyé à 1 personne. Rien n’est envoyé à 1 personne" in said(page)
    assert (make.alice().events.count(), make.bob().events.count()) == (1, 0)


def test_the_access_is_sent_again_to_a_hundred_people_at_most():
    many = [User(username=f"x{i}", last_name="X", role="coordinator", email="x@exemple.test") for i in range(101)]
    page = send_again_to(*User.objects.bulk_create(many))
    assert "100 comptes au plus" in said(page)
    assert not Notification.objects.exists()


# The admin itself


def test_the_admin_s_page_of_passwords_is_ours():
    client = signed_in(make.administrator())
    for name in ("password_change", "password_change_done"):
        assert client.get(reverse(f"admin:{name}"))["Location"] == reverse("accounts:change_password")


@pytest.mark.parametrize("who", [make.administrator, make.validator])
def test_a8_a_password_alone_does_not_open_the_admin(who):
    client = nobody()
    client.force_login(who())
    for name in ("index", "accounts_user_changelist", "accounts_user_import", "billing_payline_changelist"):
        answer = client.get(reverse(f"admin:{name}"))
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/connexion/")


@pytest.mark.parametrize("forged", ["", "accounts.codedevice/999999", "nothing", "otp_totp.totpdevice/1"])
def test_a8_a_session_that_names_a_device_of_nobody_does_not_open_the_admin(forged):
    client = nobody()
    client.force_login(make.administrator())
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = forged
    session.save()
    assert client.get(reverse("admin:index")).status_code in {302, 403}


def test_a8_the_device_of_somebody_else_does_not_open_the_admin():
    client = signed_in(make.administrator())
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = CodeDevice.objects.get(user=make.validator()).persistent_id
    session.save()
    assert client.get(reverse("admin:index")).status_code in {302, 403}


def test_a8_history_and_what_is_paid_are_not_edited_in_the_admin():
    administrator = signed_in(make.administrator()).get("/admin/").wsgi_request
    for model in (Notification, PayLine):
        page = admin.site._registry[model]
        assert not page.has_add_permission(administrator)
        assert not page.has_change_permission(administrator)
        assert not page.has_delete_permission(administrator)
    assert not {AccountEvent, Transition, ServiceRequest, LogEntry} & set(admin.site._registry)
    assert not admin.site._registry[User].has_delete_permission(administrator)


def test_what_the_person_changed_meanwhile_is_not_put_back():
    alice, client = make.protected(make.alice()), signed_in(make.administrator())
    form = next(form for form in forms(client.get(page_of(alice))) if "first_name" in form.fields)
    User.objects.filter(pk=alice.pk).update(mobile_phone="+15145550188", email_disabled=True)
    form.send(client, page_of(alice), first_name="Alix")
    alice.refresh_from_db()
    assert (alice.first_name, alice.mobile_phone, alice.email_disabled) == ("Alix", "+15145550188", True)


def test_ones_own_number_is_changed_in_the_profile_only():
    adele = make.administrator()
    assert not {"email", "mobile_phone"} & fields_of(adele)


def test_a_member_of_the_bi_needs_a_number_on_record():
    given = nina(role="validator", mobile_phone="", institution="", languages=[])
    answer = signed_in(make.administrator()).post(reverse("admin:accounts_user_add"), given)
    assert answer.status_code == 422
    assert "le personnel de la BI y reçoit ses codes" in said(answer)


@pytest.mark.django_db(transaction=True)
def test_the_same_name_given_twice_at_once_makes_one_account():
    clients, start = [signed_in(make.administrator()) for _ in range(4)], threading.Barrier(4)
    answers = []

    def add(client):
        start.wait()
        answers.append(client.post(reverse("admin:accounts_user_add"), nina()).status_code)
        connection.close()

    threads = [threading.Thread(target=add, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 422, 422, 422]
