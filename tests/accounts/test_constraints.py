"""What the database refuses of people, of the directory and of what they were told."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import models
from accounts.devices import SecondFactor
from accounts.models import (
    AccountEvent,
    CodeDevice,
    Institution,
    InterpreterLanguage,
    Notification,
    RecoveryDevice,
    Throttle,
    User,
)
from accounts.roles import Role
from tests import make

pytestmark = pytest.mark.django_db


def constraint_of(lie):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        lie()
    return refusal.value.__cause__.diag.constraint_name


def said_of(instance):
    with pytest.raises(ValidationError) as refusal:
        instance.validate_constraints()
    return refusal.value.messages


PEOPLE = {
    "an unknown role": ({"role": "roi"}, "user_has_a_known_role", "Rôle inconnu."),
    "a name in capitals": ({"username": "Rita"}, "username_is_lower_case", "L’identifiant s’écrit en minuscules."),
    "a requester of nowhere": (
        {"institution": None},
        "requester_has_an_institution",
        "Un demandeur appartient à un établissement.",
    ),
    "a number abroad": (
        {"mobile_phone": "+33612345678"},
        "mobile_phone_is_north_american",
        "Le cellulaire s’écrit avec un indicatif du Canada.",
    ),
    "a member of the BI with codes by e-mail": (
        {"role": Role.COORDINATOR, "second_factor": SecondFactor.EMAIL},
        "staff_code_is_not_by_email",
        "Le personnel de la BI reçoit ses codes par SMS ou par une application.",
    ),
}


@pytest.mark.parametrize(("lie", "constraint", "sentence"), PEOPLE.values(), ids=PEOPLE)
def test_the_database_refuses_a_lie_about_an_account(lie, constraint, sentence):
    user = make.requester()
    assert constraint_of(lambda: User.objects.filter(pk=user.pk).update(**lie)) == constraint
    for name, value in lie.items():
        setattr(user, name, value)
    assert sentence in said_of(user)


def test_there_is_one_system():
    rows = User.objects.filter(pk=make.alice().pk)
    assert constraint_of(lambda: rows.update(role=Role.SYSTEM)) == "one_system_user"


def test_an_establishment_is_in_quebec():
    place = make.institution()
    rows = Institution.objects.filter(pk=place.pk)
    assert constraint_of(lambda: rows.update(latitude=0, longitude=0)) == "institution_is_in_quebec"
    place.latitude, place.longitude = 0, 0
    assert said_of(place) == ["Les coordonnées doivent se trouver au Québec."]


def test_an_interpreter_speaks_a_language_once():
    profile = make.alice().interpreter_profile
    double = InterpreterLanguage(profile=profile, language=make.language())
    assert said_of(double) == ["Cette langue est déjà dans le profil."]
    assert constraint_of(double.save) == "interpreter_speaks_a_language_once"


MESSAGES = {
    "notification_has_a_known_state": {"state": "perdu"},
    "sent_notification_has_an_instant": {"state": "sent", "sent_at": None},
    "notification_has_a_known_channel": {"channel": "fax"},
}


@pytest.mark.parametrize(("constraint", "lie"), MESSAGES.items(), ids=MESSAGES)
def test_the_database_refuses_a_lie_about_a_message(constraint, lie):
    make.pending()
    assert constraint_of(lambda: Notification.objects.update(**lie)) == constraint


def test_a_second_factor_is_a_known_one():
    rows = User.objects.filter(pk=make.alice().pk)
    assert constraint_of(lambda: rows.update(second_factor="pige")) == "second_factor_is_known"


DOUBLES = {
    "one_destination_a_channel": lambda user: CodeDevice(user=user, channel="sms"),
    "one_set_of_recovery_codes": lambda user: RecoveryDevice(user=user),
    "one_count_a_subject": lambda user: Throttle(scope="a", subject="b", count=1, resets_at=make.NOW),
}


@pytest.mark.parametrize(("constraint", "made"), DOUBLES.items(), ids=DOUBLES)
def test_there_is_one_of_each(constraint, made):
    made(make.alice()).save()
    assert constraint_of(lambda: made(make.alice()).save()) == constraint


def test_a_destination_has_a_known_channel():
    fax = CodeDevice(user=make.alice(), channel="fax")
    assert constraint_of(fax.save) == "destination_has_a_known_channel"


def test_what_happened_to_an_account_only_grows():
    event = AccountEvent.objects.create(user=make.alice(), by=make.alice(), at=make.NOW, kind="created")
    for change in (event.save, event.delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_every_constraint_of_the_room_is_tried_here():
    tried = {constraint for _, constraint, _ in PEOPLE.values()} | {"one_system_user", "institution_is_in_quebec"}
    tried |= {"interpreter_speaks_a_language_once", "second_factor_is_known", "destination_has_a_known_channel"}
    rooms = [getattr(models, name) for name in models.__all__]
    names = {constraint.name for model in rooms for constraint in model._meta.constraints}
    assert names == tried | set(MESSAGES) | set(DOUBLES)
