"""What happens to an account: each verb is one transaction, says who did it, and is recorded for good."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import notify, throttling
from accounts.devices import Channel, CodeDevice, RecoveryDevice, SecondFactor
from accounts.models import (
    AccountEvent,
    InterpreterLanguage,
    InterpreterProfile,
    Session,
    Throttle,
    TrustedBrowser,
    User,
)
from accounts.notify import AccountTopic, Notice
from accounts.roles import Role

Kind = AccountEvent.Kind


class Refused(Exception):
    """What may not be done to an account now; `str()` is the French sentence."""


def record(user: User, kind: AccountEvent.Kind, *, by: User, at: datetime, detail: str = "") -> AccountEvent:
    """Add a line to the account's history; `detail` holds no secret, no number and no address."""
    return AccountEvent.objects.create(user=user, kind=kind, by=by, at=at, detail=detail)


def end_sessions(user: User, *, keep: str | None = None) -> int:
    """End every session of a person at once, but the one of key `keep`, and forget their trusted browsers."""
    user.trusted_browsers.all().delete()
    return user.sessions.exclude(session_key=keep).delete()[0]


def _tell(event: AccountEvent, topic: AccountTopic, **given) -> None:
    notice = Notice(user=event.user, topic=topic, event=str(event.pk), **given)
    notify.tell([notice], about=f"account:{event.user_id}", at=event.at)


# Access


def create_account(*, by: User, at: datetime, profile: dict | None = None, **fields) -> User:
    """A new account, invited at once; `fields` are those of User, checked by the caller's form.

    `profile` is an interpreter's: `home_institution`, `languages`, and maybe where home is.
    """
    return create_accounts([(fields, profile)], by=by, at=at)[0]


@transaction.atomic
def create_accounts(people: list[tuple[dict, dict | None]], *, by: User, at: datetime) -> list[User]:
    """All the accounts of a file, or none; each pair is (fields, profile) of `create_account`."""
    users = User.objects.bulk_create(User(password=make_password(None), **fields) for fields, _ in people)
    _describe([(user, profile) for user, (_, profile) in zip(users, people, strict=True) if profile])
    kinds = (Kind.CREATED, Kind.INVITED)
    events = AccountEvent.objects.bulk_create(
        AccountEvent(user=user, kind=kind, by=by, at=at) for user in users for kind in kinds
    )
    for event in events:
        if event.kind == Kind.INVITED:
            _tell_access(event)
    return users


def _describe(interpreters: list[tuple[User, dict]]) -> None:
    """The profiles of new interpreters, with their languages."""
    profiles = InterpreterProfile.objects.bulk_create(
        InterpreterProfile(user=user, **{name: value for name, value in given.items() if name != "languages"})
        for user, given in interpreters
    )
    InterpreterLanguage.objects.bulk_create(
        InterpreterLanguage(profile=profile, language=language)
        for profile, (_, given) in zip(profiles, interpreters, strict=True)
        for language in given["languages"]
    )


@transaction.atomic
def change_profile(user: User, *, languages, **fields) -> None:
    """What an interpreter speaks, where they come from and the institution they belong to."""
    profile, _ = InterpreterProfile.objects.update_or_create(user=user, defaults=fields)
    profile.languages.set(languages)


def lock(user: User) -> None:
    """Read the account again and hold it to the end of the transaction: nobody closes or opens it meanwhile."""
    held = Q(pk=user.pk)
    if user.role == Role.ADMINISTRATOR:
        # Two administrators who close each other's account wait here, so that one of them stays.
        held |= Q(role=Role.ADMINISTRATOR)
    list(User.objects.select_for_update(no_key=True).filter(held).order_by("pk"))
    user.refresh_from_db()


def check_invitable(user: User, *, by: User) -> None:
    """Raise Refused when « Renvoyer l'accès » has no sense, or would lock its author out."""
    if user == by:
        raise Refused("Pour votre propre compte, changez plutôt votre mot de passe dans votre profil.")
    if not user.is_active:
        raise Refused("Ce compte est inactif\u00a0: réactivez-le, et l’accès partira avec.")
    if not user.email:
        raise Refused("Ce compte n’a pas de courriel\u00a0: inscrivez-en un d’abord.")


@transaction.atomic
def invite(user: User, *, by: User, at: datetime) -> None:
    """« Renvoyer l'accès »: the former password dies at once, the worker draws the temporary one at sending.

    Raises Refused: for oneself, for a closed account, without an address.
    """
    lock(user)
    check_invitable(user, by=by)
    user.set_unusable_password()
    user.temporary_until = None
    # The new one comes by e-mail: as after a reset, the mailbox alone must not be enough for who had a code (ruling 8).
    has_served = user.second_factor or (user.last_login and user.mobile_phone)
    user.reset_at = at if has_served else None
    user.save(update_fields=["password", "temporary_until", "reset_at"])
    end_sessions(user)
    throttling.forget(throttling.SIGN_IN_DAY, user.username)
    notify.withdraw(about=f"invitation:{user.pk}")
    _tell_access(record(user, Kind.INVITED, by=by, at=at))


def _tell_access(event: AccountEvent) -> None:
    notice = Notice(user=event.user, topic=AccountTopic.INVITATION, event=str(event.pk), channels=(Channel.EMAIL,))
    notify.tell([notice], about=f"invitation:{event.user_id}", at=event.at)


@transaction.atomic
def choose_password(user: User, password: str, *, at: datetime, keep: str | None = None) -> None:
    """The first password, or another one; other sessions end and the person is told."""
    event = _set_password(user, password, Kind.PASSWORD_CHANGED, at=at)
    end_sessions(user, keep=keep)
    _tell(event, AccountTopic.PASSWORD_CHANGED)


@transaction.atomic
def reset_password(user: User, password: str, *, at: datetime) -> None:
    """By the link of « J'ai oublié mon mot de passe »: the next sign-in asks for more than the mailbox (ruling 8)."""
    event = _set_password(user, password, Kind.PASSWORD_RESET, at=at, reset_at=at)
    end_sessions(user)
    _tell(event, AccountTopic.PASSWORD_CHANGED)


def _set_password(user: User, password: str, kind: AccountEvent.Kind, *, at: datetime, **fields) -> AccountEvent:
    user.set_password(password)
    for name, value in {"temporary_until": None, **fields}.items():
        setattr(user, name, value)
    user.save(update_fields=["password", "temporary_until", *fields])
    notify.withdraw(about=f"invitation:{user.pk}")
    return record(user, kind, by=user, at=at)


# Being reached, and proving who one is


@transaction.atomic
def change_contact(user: User, *, by: User, at: datetime, **contact) -> None:
    """Change `mobile_phone` or `email`; the former number or address is told (reliability, F11)."""
    for name, value in contact.items():
        former = getattr(user, name)
        if former == value:
            continue
        setattr(user, name, value)
        if name == "mobile_phone":
            # « STOP » was said of the former number; the box stays ticked until the person unticks it.
            user.sms_stopped_at = None
        user.save(update_fields=[name, "sms_stopped_at"])
        event = record(user, Kind.CONTACT_CHANGED, by=by, at=at, detail=User._meta.get_field(name).verbose_name)
        channel = Channel.SMS if name == "mobile_phone" else Channel.EMAIL
        _forget_codes_sent(user, channel)
        if former:
            _tell(event, AccountTopic.CONTACT_CHANGED, channels=(channel,), address=former)
        if name == "mobile_phone":
            _tell(event, AccountTopic.CONTACT_CHANGED, channels=(Channel.EMAIL,))


def _forget_codes_sent(user: User, channel: Channel) -> None:
    """A code on its way to the former number or address opens nothing any more, nor confirms the new one."""
    sent = CodeDevice.objects.filter(user=user, channel=channel)
    sent.filter(confirmed=False).delete()
    sent.update(challenge="", code_hash="", valid_until=None)


@transaction.atomic
def choose_factor(user: User, factor: SecondFactor, *, at: datetime, keep: str | None = None) -> None:
    """Remember how the person proves who they are; with the first one, the sessions opened without it end."""
    if user.second_factor == factor:
        return
    if not user.second_factor:
        end_sessions(user, keep=keep)
    user.second_factor = factor
    user.save(update_fields=["second_factor"])
    _tell(record(user, Kind.FACTOR_CHOSEN, by=user, at=at, detail=factor.label), AccountTopic.FACTOR_CHANGED)


def check_factor_resettable(user: User, *, by: User) -> None:
    """Raise Refused for one's own account, a closed one, or when there is nothing to reset."""
    if user == by:
        raise Refused("Pour votre propre compte, demandez-le à une autre personne qui administre les comptes.")
    if not user.is_active:
        raise Refused("Ce compte est inactif.")
    if not user.second_factor and not user.reset_at:
        raise Refused("Ce compte n’a pas de code de vérification à réinitialiser.")


@transaction.atomic
def reset_factor(user: User, *, by: User, at: datetime) -> None:
    """« J'ai changé de cellulaire »: the BI forgets every device after checking who calls; it never shows a code.

    Raises Refused (`check_factor_resettable`).
    """
    lock(user)
    check_factor_resettable(user, by=by)
    for device in (CodeDevice, TOTPDevice, RecoveryDevice):
        device.objects.filter(user=user).delete()
    user.second_factor, user.reset_at = "", None
    user.save(update_fields=["second_factor", "reset_at"])
    throttling.forget_codes(user)
    end_sessions(user)
    _tell(record(user, Kind.FACTOR_RESET, by=by, at=at), AccountTopic.FACTOR_CHANGED)


def forget_expired(at: datetime | None = None) -> None:
    """What time has emptied of sense, each night: sessions, windows of counts, browsers trusted for 30 days."""
    at = at or timezone.now()
    Session.objects.filter(expire_date__lte=at).delete()
    Throttle.objects.filter(resets_at__lte=at).delete()
    TrustedBrowser.objects.filter(expires_at__lte=at).delete()


# The end of an account


def check_closable(user: User, *, by: User) -> None:
    """Raise Refused when the account is closed already, is one's own, or is the last administrator's."""
    if not user.is_active:
        raise Refused("Ce compte est déjà inactif.")
    if user.pk == by.pk:
        raise Refused("On ne désactive pas son propre compte\u00a0: demandez-le à une autre personne.")
    administrators = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True)
    if user.role == Role.ADMINISTRATOR and not administrators.filter(pk=by.pk).exists():
        raise Refused("Il doit rester au moins un compte d’administration actif.")


@transaction.atomic
def deactivate(user: User, *, by: User, at: datetime, detail: str = "") -> None:
    """Close the account: nobody signs in with it, and every session ends at once. Raises Refused.

    An interpreter's goes through `requests_app.departures`, which releases their bookings in the same transaction.
    """
    lock(user)
    check_closable(user, by=by)
    user.is_active = False
    user.save(update_fields=["is_active"])
    end_sessions(user)
    notify.withdraw_all(user)
    record(user, Kind.DEACTIVATED, by=by, at=at, detail=detail[:120])


def check_reopenable(user: User, *, by: User) -> None:
    """Raise Refused when the account is open already, or when no invitation could reach it."""
    if user.is_active:
        raise Refused("Ce compte est déjà actif.")
    if not user.email:
        raise Refused("Ce compte n’a pas de courriel\u00a0: inscrivez-en un d’abord.")


@transaction.atomic
def reactivate(user: User, *, by: User, at: datetime) -> None:
    """Open it again, with a new invitation: whoever had the password may have gone. Raises Refused."""
    lock(user)
    check_reopenable(user, by=by)
    user.is_active = True
    user.save(update_fields=["is_active"])
    record(user, Kind.REACTIVATED, by=by, at=at)
    invite(user, by=by, at=at)
