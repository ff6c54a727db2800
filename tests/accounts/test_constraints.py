"""What the database refuses of people, of the directory and of what they were told."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import models
from accounts.models import Institution, InterpreterLanguage, Notification, User
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


@pytest.mark.parametrize(
    ("lie", "constraint"),
    [
        ({"state": "perdu"}, "notification_has_a_known_state"),
        ({"state": "sent", "sent_at": None}, "sent_notification_has_an_instant"),
    ],
    ids=str,
)
def test_the_database_refuses_a_lie_about_a_message(lie, constraint):
    make.pending()
    assert constraint_of(lambda: Notification.objects.update(**lie)) == constraint


def test_every_constraint_of_the_room_is_tried_here():
    tried = {constraint for _, constraint, _ in PEOPLE.values()} | {"one_system_user", "institution_is_in_quebec"}
    tried |= {"interpreter_speaks_a_language_once"}
    tried |= {"notification_has_a_known_state", "sent_notification_has_an_instant"}
    rooms = [getattr(models, name) for name in models.__all__]
    assert {constraint.name for model in rooms for constraint in model._meta.constraints} == tried
