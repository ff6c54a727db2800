"""An account is invited by a password drawn at sending, good once and for 72 hours (reliability, F10)."""

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_q.models import OrmQ

from accounts import drawn, mfa, services
from accounts.devices import CLEAR_LETTERS, SecondFactor
from accounts.models import AccountEvent, Notification, Session, Throttle, TrustedBrowser, User
from accounts.roles import Role
from tests import make
from tests.accounts.steps import again, code_sent_to, give_code, give_password, temporary_password_of
from tests.make import NOW
from tests.pages import nobody, signed_in

pytestmark = pytest.mark.django_db
NINA = {"username": "nina", "first_name": "Nina", "last_name": "Nom-de-Nina", "email": "nina@exemple.test"}


def created(**fields) -> User:
    given = NINA | {"role": Role.COORDINATOR} | fields
    return services.create_account(by=make.administrator(), at=timezone.now(), **given)


def invitations(user):
    return Notification.objects.filter(user=user, topic="invitation").order_by("id")


def kinds(user) -> list[str]:
    return list(user.events.order_by("id").values_list("kind", flat=True))


def test_a_new_account_is_invited_at_once_and_has_no_password_yet():
    user = created()
    assert invitations(user).get().channel == "email"
    assert not user.has_usable_password()
    assert kinds(user) == ["created", "invited"]


def test_a_new_interpreter_has_a_profile_and_languages():
    profile = {"home_institution": make.institution(), "languages": [make.language("arabe"), make.language("russe")]}
    user = created(role=Role.INTERPRETER, profile=profile)
    assert set(user.interpreter_profile.languages.values_list("code", flat=True)) == {"arabe", "russe"}
    assert user.interpreter_profile.home_institution == make.institution()


def test_f10_the_temporary_password_has_twelve_letters_that_nobody_confuses():
    found = {temporary_password_of(make.alice()) for _ in range(20)}
    assert len(found) == 20
    assert all(re.fullmatch(f"[{CLEAR_LETTERS}]{{12}}", password) for password in found)
    assert not set("0o1li") & set(CLEAR_LETTERS)


def test_f10_it_works_72_hours_at_most():
    temporary_password_of(make.alice())
    left = again(make.alice()).temporary_until - timezone.now()
    assert timedelta(hours=71, minutes=59) < left <= timedelta(hours=72)


def test_f10_it_is_written_nowhere_in_clear(caplog):
    password = temporary_password_of(make.alice())
    rows = [*Notification.objects.values(), *AccountEvent.objects.values(), *OrmQ.objects.values()]
    rows += User.objects.filter(pk=make.alice().pk).values()
    assert password not in f"{rows} {caplog.text}"
    assert again(make.alice()).check_password(password)


def test_f10_sending_the_access_again_kills_the_former_password_at_once():
    user, former = make.alice(), temporary_password_of(make.alice())
    services.invite(user, by=make.administrator(), at=timezone.now())
    assert not again(user).check_password(former)
    assert not again(user).has_usable_password()


def test_f10_a_message_that_was_on_its_way_does_not_kill_the_new_password():
    first, second = (invite(make.alice()) for _ in range(2))
    password = drawn.draw(second)["password"]
    assert drawn.draw(first) is None
    assert again(make.alice()).check_password(password)


def invite(user) -> Notification:
    services.invite(user, by=make.administrator(), at=timezone.now())
    return invitations(user).last()


def test_f10_once_replaced_it_is_never_drawn_again():
    user, invitation = make.alice(), invite(make.alice())
    services.choose_password(user, "une phrase bien à moi", at=timezone.now())
    assert drawn.draw(invitation) is None
    assert again(user).check_password("une phrase bien à moi")


def test_f7_an_access_sent_again_by_email_asks_for_more_than_the_mailbox():
    user = make.protected(make.alice())
    assert SecondFactor.EMAIL in mfa.methods(user)
    services.invite(user, by=make.administrator(), at=NOW)
    assert mfa.methods(again(user)) == [SecondFactor.SMS]


def test_sending_the_access_again_ends_the_sessions():
    user, browser = make.alice(), signed_in(make.alice())
    assert browser.get("/").status_code == 200
    services.invite(user, by=make.administrator(), at=timezone.now())
    assert browser.get("/").status_code == 302


def test_nobody_sends_their_own_access_again():
    adele = make.administrator()
    with pytest.raises(services.Refused, match="votre profil"):
        services.invite(adele, by=adele, at=NOW)
    assert again(adele).check_password(make.PASSWORD)


@pytest.mark.parametrize(("field", "value", "why"), [("is_active", False, "inactif"), ("email", "", "courriel")])
def test_who_cannot_be_reached_is_not_invited(field, value, why):
    user = make.alice()
    User.objects.filter(pk=user.pk).update(**{field: value})
    with pytest.raises(services.Refused, match=why):
        services.invite(user, by=make.administrator(), at=NOW)
    assert not invitations(user).exists()


def test_f11_the_reset_of_a_second_factor_is_recorded_with_its_author_and_told():
    user = make.protected(make.alice())
    services.reset_factor(user, by=make.administrator(), at=timezone.now())
    event = user.events.get()
    assert (event.kind, event.by) == ("factor_reset", make.administrator())
    assert user.notifications.filter(topic="factor_changed").exists()
    assert not user.codedevice_set.exists()


def test_f11_whoever_resets_a_second_factor_ends_the_sessions_it_opened():
    user, browser = make.protected(make.alice()), signed_in(make.protected(make.alice()))
    services.reset_factor(user, by=make.administrator(), at=timezone.now())
    assert browser.get("/").status_code == 302


def test_f11_nobody_resets_their_own_second_factor_as_the_bi():
    adele = make.administrator()
    with pytest.raises(services.Refused, match="une autre personne"):
        services.reset_factor(adele, by=adele, at=NOW)


def test_f11_the_former_address_is_told_of_the_new_one():
    user = make.alice()
    services.change_contact(user, by=make.administrator(), at=timezone.now(), email="neuve@exemple.test")
    assert user.notifications.get(topic="contact_changed").address == "alice@exemple.test"
    assert user.events.get().by == make.administrator()


def test_a_new_number_has_not_said_stop():
    user = make.protected(make.alice())
    User.objects.filter(pk=user.pk).update(sms_stopped_at=NOW, sms_disabled=True)
    services.change_contact(again(user), by=make.administrator(), at=NOW, mobile_phone="+15145550188")
    assert (again(user).sms_stopped_at, again(user).sms_disabled) == (None, True)


@pytest.mark.parametrize("change", [{"mobile_phone": "+15145550188"}, {"email": "neuve@exemple.test"}], ids=str)
def test_f11_a_code_on_its_way_to_the_former_one_opens_nothing(change):
    user, client = make.protected(make.alice()), nobody()
    if "email" in change:
        services.choose_factor(user, SecondFactor.EMAIL, at=NOW)
    give_password(client, user)
    code = code_sent_to(user)
    services.change_contact(again(user), by=make.administrator(), at=NOW, **change)
    assert give_code(client, code).status_code == 422


# The end of an account


def test_a6_a_closed_account_is_refused_at_its_next_page():
    user, browser = make.requester(), signed_in(make.requester())
    assert browser.get("/").status_code == 200
    services.deactivate(user, by=make.administrator(), at=NOW)
    assert browser.get("/").status_code == 302
    assert not user.sessions.exists()


def test_a6_a_session_whose_row_survives_is_refused_too():
    user, browser = make.requester(), signed_in(make.requester())
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert browser.get("/").status_code == 302


def test_a6_a_role_that_is_taken_away_closes_the_admin_at_the_next_page():
    user, browser = make.administrator(), signed_in(make.administrator())
    assert browser.get("/admin/").status_code == 200
    User.objects.filter(pk=user.pk).update(role=Role.COORDINATOR)
    assert browser.get("/admin/").status_code == 302


def test_whoever_has_left_is_told_nothing_more():
    user, invitation = make.alice(), invite(make.alice())
    services.deactivate(user, by=make.administrator(), at=NOW)
    invitation.refresh_from_db()
    assert invitation.state == "closed"
    assert drawn.draw(invitation) is None


def test_whoever_has_left_leaves_no_former_number_and_nothing_to_look_up():
    user = make.protected(make.alice())
    services.change_contact(user, by=make.administrator(), at=timezone.now(), mobile_phone="+15145550188")
    Notification.objects.filter(channel="email").update(state="uncertain", called_at=timezone.now())
    services.deactivate(user, by=make.administrator(), at=timezone.now())
    left = Notification.objects.filter(user=user).values_list("state", "address", "called_at").distinct()
    assert set(left) == {("closed", "", None), ("uncertain", "", None)}


def test_an_account_opened_again_has_a_new_access_and_not_its_former_password():
    user = make.requester()
    services.deactivate(user, by=make.administrator(), at=timezone.now())
    services.reactivate(user, by=make.administrator(), at=timezone.now())
    assert again(user).is_active
    assert not again(user).has_usable_password()
    assert kinds(user) == ["deactivated", "reactivated", "invited"]


def test_nobody_closes_their_own_account():
    adele = make.administrator()
    with pytest.raises(services.Refused, match="son propre compte"):
        services.deactivate(adele, by=adele, at=NOW)


def test_the_last_administrator_stays():
    adele, ada = make.administrator(), make.person("Ada", Role.ADMINISTRATOR)
    services.deactivate(ada, by=adele, at=NOW)
    with pytest.raises(services.Refused, match="au moins un"):
        services.deactivate(adele, by=ada, at=NOW)
    assert again(adele).is_active


def test_what_time_has_emptied_of_sense_is_forgotten():
    user, now = make.alice(), timezone.now()
    for number, end in enumerate((now, now + timedelta(days=1))):
        dates = {"created_at": NOW, "last_used_at": NOW, "expires_at": end}
        TrustedBrowser.objects.create(user=user, token_hash=str(number), label="Firefox", **dates)
        Throttle.objects.create(scope="a", subject=str(number), count=1, resets_at=end)
        Session.objects.create(session_key=str(number), session_data="", expire_date=end, label="")
    services.forget_expired(now)
    assert [model.objects.count() for model in (TrustedBrowser, Throttle, Session)] == [1, 1, 1]


def test_the_first_administrator_is_made_from_the_machine(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", make.PASSWORD)
    given = {"username": "premiere", "first_name": "Ada", "last_name": "Nom", "email": "ada@exemple.test"}
    call_command("createsuperuser", interactive=False, verbosity=0, mobile_phone="514 555-0123", **given)
    made = User.objects.get(username="premiere")
    assert (made.role, made.mobile_phone, made.check_password(make.PASSWORD)) == (
        Role.ADMINISTRATOR,
        "+15145550123",
        True,
    )
