"""The second factor: codes by SMS, then by e-mail for who prefers; an application as the stronger way (ruling 8)."""

import secrets
from datetime import datetime, timedelta

import django_otp
from django.db import transaction
from django.utils import timezone
from django_otp.models import Device
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import locks, notify, services, throttling
from accounts.devices import TRIES, Channel, CodeDevice, RecoveryDevice, SecondFactor
from accounts.models import AccountEvent, Notification, User
from accounts.notify import AccountTopic, Notice

# A way of its own, which is never remembered as somebody's choice.
RECOVERY = "recovery"
INSTALLING = timedelta(minutes=10)
# The second post of a form sent twice comes that soon after the first.
TWICE = timedelta(seconds=10)


def methods(user: User) -> list[SecondFactor]:
    """How this person may prove who they are at this sign-in, the strongest first.

    E-mail comes after a first code by SMS, is never the BI's, and not the next one after a reset from the mailbox.
    """
    confirmed = set(CodeDevice.objects.filter(user=user, confirmed=True).values_list("channel", flat=True))
    found = [SecondFactor.APP] if TOTPDevice.objects.filter(user=user, confirmed=True).exists() else []
    if Channel.SMS in confirmed and user.mobile_phone:
        found.append(SecondFactor.SMS)
    if confirmed and user.email and not user.is_bi_staff and not user.reset_at:
        found.append(SecondFactor.EMAIL)
    return found


def device_for(user: User, method: SecondFactor):
    """The device of a method that `methods` allows; a destination that never served is only made by `kept`."""
    if method == SecondFactor.APP:
        return TOTPDevice.objects.get(user=user, confirmed=True)
    own = {"user": user, "channel": Channel(method), "confirmed": True}
    found = CodeDevice.objects.filter(**own).first() or CodeDevice(**own)
    found.user = user
    return found


def kept(device):
    """The device, in the database: looking at a page writes none."""
    if device.pk is None:
        device, _ = CodeDevice.objects.get_or_create(user=device.user, channel=device.channel, confirmed=True)
    return device


def has_verified(request) -> bool:
    """Whether this session gave a second factor that still stands. One query; pages that need none read the session.

    django-otp's own middleware would ask the database at every page of everybody.
    """
    if not hasattr(request, "verified_by"):
        device = Device.from_persistent_id(request.session.get(django_otp.DEVICE_ID_SESSION_KEY, ""))
        is_theirs = device is not None and device.confirmed and device.user_id == request.user.pk
        request.verified_by = device if is_theirs else None
    return request.verified_by is not None


def recovery_of(user: User) -> RecoveryDevice | None:
    """The person's recovery codes, while some are left."""
    return RecoveryDevice.objects.filter(user=user, codes__isnull=False).first()


def send_code(device: CodeDevice, *, address: str) -> str:
    """Have a new code sent, for a request that comes from `address`; returns the challenge its session must keep.

    Raises Throttled: one a minute, and caps a day for the account and for everybody; for a number or an
    address that is not theirs yet, also for it and for where the request comes from.
    """
    limits = [(throttling.CODE_PAUSE, throttling.pause_of(device.user_id, device.channel))]
    limits.append((throttling.CODES_OF_ACCOUNT, str(device.user_id)))
    if device.address:
        limits += [(throttling.CODES_TO_DESTINATION, device.address), (throttling.CODES_FROM_ADDRESS, address)]
    throttling.count_all([*limits, (throttling.CODES_OF_ALL, "")])
    device = kept(device)
    challenge, about = secrets.token_hex(16), f"device:{device.pk}"
    with transaction.atomic():
        device.ask(challenge)
        for asked in CodeDevice.objects.filter(user=device.user_id, confirmed=device.confirmed):
            # « courriel » instead of « SMS »: the one that was asked before must not ring for nothing.
            notify.withdraw(about=f"device:{asked.pk}")
        notice = Notice(
            user=device.user,
            topic=AccountTopic.CODE,
            event=secrets.token_hex(8),
            channels=(device.channel,),
            address=device.address,
        )
        notify.tell([notice], about=about, at=timezone.now())
    return challenge


def check_code(user: User, device, typed: str, *, challenge: str = ""):
    """The device when the code is right, else None. Raises Throttled after too many wrong ones.

    Raises RuntimeError inside a transaction: rolled back, it would take the count of wrong codes with it (F3).
    """
    chances = 2 * device.tolerance + 1 if isinstance(device, TOTPDevice) else 1
    _count_try(user, chances)
    code = typed
    if not isinstance(device, RecoveryDevice):
        code = digits(typed)
    token = f"{challenge}:{code}" if isinstance(device, CodeDevice) else code
    with transaction.atomic(durable=True):
        verified = django_otp.verify_token(user, device.persistent_id, token)
    if verified:
        throttling.forget(throttling.TRIES_OF_ACCOUNT, str(user.pk))
        # This one was no guess; the wrong ones of the day stay counted, whoever comes in meanwhile.
        throttling.refund(throttling.TRIES_OF_DAY, str(user.pk), chances)
    return verified


def _count_try(user: User, chances: int) -> None:
    """The quarter of an hour first: what it refuses must not burn the day."""
    subject = str(user.pk)
    locks.count(user.username, [(throttling.TRIES_OF_ACCOUNT, subject), (throttling.TRIES_OF_DAY, subject, chances)])


def digits(typed: str) -> str:
    """The digits of a code as it was typed or pasted: « 123 456 » → « 123456 »."""
    return "".join(digit for digit in typed if digit in "0123456789")


def why_refused(device) -> str:
    """The sentence beside a code that `check_code` has just refused; a `CodeDevice` as it is now (`reread`)."""
    if isinstance(device, RecoveryDevice):
        return "Code incorrect, ou qui a déjà servi. Écrivez-en un autre."
    if isinstance(device, TOTPDevice):
        return "Code incorrect, ou qui a déjà servi. Attendez que l’application affiche le suivant."
    if not device.challenge:
        return "Ce code ne sert plus. Demandez-en un nouveau."
    if device.valid_until and device.valid_until <= timezone.now():
        return "Ce code a expiré. Demandez-en un nouveau."
    if device.tries >= TRIES:
        return "Code incorrect. Après 5 essais, ce code n’est plus valable\u00a0: demandez-en un nouveau."
    if not device.code_hash:
        return "Code incorrect. Un nouveau code vous est envoyé\u00a0: attendez-le, ou demandez-en un autre."
    left = TRIES - device.tries
    return f"Code incorrect. Il reste {left} essai{'s' if left > 1 else ''}."


def reread(device):
    """The device as it is now; None when its code has served meanwhile: the same form was sent twice."""
    if not isinstance(device, CodeDevice):
        return device
    just_now = timezone.now() - TWICE
    return CodeDevice.objects.filter(pk=device.pk).exclude(challenge="", last_used_at__gt=just_now).first()


def has_failed(device: CodeDevice) -> bool:
    """Whether the last code asked of this device will never arrive."""
    theirs = Notification.objects.filter(user_id=device.user_id)
    last = theirs.filter(about=f"device:{device.pk}").order_by("-id").first()
    return last is not None and last.state == Notification.State.UNDELIVERED


def refusal_of_code(user: User, channel: str) -> throttling.Throttled | None:
    """Why another code may not be asked now: the day's are spent, or one has just been asked by this channel."""
    try:
        throttling.check(throttling.CODES_OF_ACCOUNT, str(user.pk))
        throttling.check(throttling.CODE_PAUSE, throttling.pause_of(user.pk, channel))
    except throttling.Throttled as error:
        return error
    return None


# The first one


def may_choose_number(user: User) -> bool:
    """Only who has none on record: whoever holds the mailed password must not bring their own telephone (0.18)."""
    return not (user.mobile_phone or user.second_factor or user.reset_at)


def may_skip(user: User) -> bool:
    """« Plus tard »: never the BI, nor somebody whose password came from the mailbox (ruling 8)."""
    return not (user.must_verify or user.reset_at)


def await_number(user: User, number: str = "") -> CodeDevice:
    """The number to confirm by a first code: the account's own, or `number` (E.164), which is not theirs yet."""
    return await_address(user, Channel.SMS, number)


@transaction.atomic
def await_address(user: User, channel: Channel, address: str) -> CodeDevice:
    """The destination to confirm; a code sent to another one must not confirm this one."""
    own = {"user": user, "channel": channel, "confirmed": False}
    device, _ = CodeDevice.objects.select_for_update().get_or_create(**own, defaults={"address": address})
    if device.address != address:
        device.address = address
        device.save(update_fields=["address"])
        device.ask("")
    return device


def awaited_number(user: User) -> CodeDevice | None:
    """The number that a first code may confirm now, for whoever has no second factor (`Attempt.has_none`)."""
    awaited = CodeDevice.objects.filter(user=user, channel=Channel.SMS, confirmed=False).first()
    is_theirs = awaited is not None and (awaited.address == "" or may_choose_number(user))
    return awaited if is_theirs else None


def may_add_app(user: User, *, is_open: bool) -> bool:
    """An application comes after a code to the number on record, so that the mailed password does not install one."""
    return bool(user.second_factor) or not user.mobile_phone if is_open else may_choose_number(user)


def awaited_app(user: User) -> TOTPDevice | None:
    """The application being installed, for the 10 minutes that its key may be shown."""
    since = timezone.now() - INSTALLING
    return TOTPDevice.objects.filter(user=user, confirmed=False, created_at__gt=since).first()


@transaction.atomic
def begin_app(user: User) -> TOTPDevice:
    """A new key, which opens nothing before `confirm_app`."""
    TOTPDevice.objects.filter(user=user, confirmed=False).delete()
    return TOTPDevice.objects.create(user=user, name="application", confirmed=False)


@transaction.atomic
def confirm_app(device: TOTPDevice) -> None:
    """The application gave a right code: it replaces the former one."""
    TOTPDevice.objects.filter(user=device.user).exclude(pk=device.pk).delete()
    device.confirmed = True
    device.save(update_fields=["confirmed"])


@transaction.atomic
def renew_recovery(user: User, *, at: datetime) -> list[str]:
    """Ten new recovery codes, to be shown once; the former ones are dead."""
    device, _ = RecoveryDevice.objects.get_or_create(user=user)
    # Posted twice at once: the second waits here, and kills the codes of the first.
    device = RecoveryDevice.objects.select_for_update().get(pk=device.pk)
    services.record(user, AccountEvent.Kind.RECOVERY_RENEWED, by=user, at=at)
    return device.renew()


@transaction.atomic
def confirm_number(device: CodeDevice, *, at: datetime) -> CodeDevice:
    """The first code came back: the number is the person's, and their device from now on."""
    user = device.user
    if device.address:
        services.change_contact(user, by=user, at=at, mobile_phone=device.address)
    device.delete()
    own = kept(device_for(user, SecondFactor.SMS))
    own.set_last_used_timestamp()
    return own
