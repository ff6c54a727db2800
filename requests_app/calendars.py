"""An interpreter's own time: when they are not available, their usual hours, and the address their calendar reads."""

from django.db import models
from django.db.models import F, Q

from accounts.models import User


class Weekday(models.IntegerChoices):
    """As Python counts them: Monday is 0."""

    MONDAY = 0, "lundi"
    TUESDAY = 1, "mardi"
    WEDNESDAY = 2, "mercredi"
    THURSDAY = 3, "jeudi"
    FRIDAY = 4, "vendredi"
    SATURDAY = 5, "samedi"
    SUNDAY = 6, "dimanche"


class Absence(models.Model):
    """« Je ne suis pas disponible »: from one instant to another. It hides nothing of what is booked or offered."""

    interpreter = models.ForeignKey(User, models.CASCADE, verbose_name="interprète", related_name="absences")
    starts_at = models.DateTimeField("du")
    ends_at = models.DateTimeField("au")

    class Meta:
        verbose_name = "absence"
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="absence_ends_after_it_starts",
                violation_error_message="La fin doit suivre le début.",
            )
        ]
        indexes = [models.Index(fields=["interpreter", "ends_at"], name="absence_of_interpreter")]

    def __str__(self):
        return f"{self.interpreter_id} {self.starts_at}"


class WeeklyHours(models.Model):
    """When an interpreter usually works on one day of the week, on the clock of Montréal.

    Without any row, at all hours; with one or more, only within them.
    """

    interpreter = models.ForeignKey(User, models.CASCADE, verbose_name="interprète", related_name="weekly_hours")
    weekday = models.PositiveSmallIntegerField("jour", choices=Weekday)
    starts_on_clock = models.TimeField("de")
    ends_on_clock = models.TimeField("à")

    class Meta:
        verbose_name = "heures habituelles"
        verbose_name_plural = "heures habituelles"
        ordering = ["weekday"]
        constraints = [
            models.UniqueConstraint(
                fields=["interpreter", "weekday"],
                name="one_weekly_hours_a_day",
                violation_error_message="Ce jour a déjà ses heures.",
            ),
            models.CheckConstraint(condition=Q(weekday__range=(0, 6)), name="weekly_hours_have_a_day_of_the_week"),
            models.CheckConstraint(
                condition=Q(ends_on_clock__gt=F("starts_on_clock")),
                name="weekly_hours_end_after_they_start",
                violation_error_message="La fin doit suivre le début.",
            ),
        ]

    def __str__(self):
        return f"{self.interpreter_id} {self.get_weekday_display()}"


class CalendarFeed(models.Model):
    """The secret address where an interpreter's calendar reads their requests; another `number` is another address."""

    interpreter = models.OneToOneField(User, models.CASCADE, verbose_name="interprète", related_name="calendar_feed")
    number = models.PositiveIntegerField("numéro", default=1)
    is_open = models.BooleanField("ouvert", default=True)
    created_at = models.DateTimeField("créé le")

    class Meta:
        verbose_name = "abonnement au calendrier"
        verbose_name_plural = "abonnements au calendrier"

    def __str__(self):
        return f"{self.interpreter_id}"
