"""The directory people belong to: regions, institutions, languages, and what an interpreter offers."""

from django.db import models


class HealthRegion(models.Model):
    """A « région sociosanitaire », 01 to 18."""

    code = models.CharField("code", max_length=2, primary_key=True)
    name = models.CharField("nom", max_length=80)

    class Meta:
        verbose_name = "région sociosanitaire"
        verbose_name_plural = "régions sociosanitaires"
        ordering = ["code"]

    def __str__(self):
        return f"{self.code} {self.name}"


class Institution(models.Model):
    """An « établissement »; its head office is a mileage origin of the interpreters who belong to it."""

    name = models.CharField("nom", max_length=120, unique=True)
    region = models.ForeignKey(HealthRegion, models.PROTECT, verbose_name="région", related_name="institutions")
    head_office_address = models.CharField("adresse du siège social", max_length=200)
    latitude = models.DecimalField("latitude", max_digits=8, decimal_places=5)
    longitude = models.DecimalField("longitude", max_digits=8, decimal_places=5)
    is_verified = models.BooleanField("adresse vérifiée", default=False)

    class Meta:
        verbose_name = "établissement"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(latitude__range=(40, 65), longitude__range=(-85, -50)),
                name="institution_is_in_quebec",
                violation_error_message="Les coordonnées doivent se trouver au Québec.",
            )
        ]

    def __str__(self):
        return self.name


class Language(models.Model):
    """A language interpreted to and from French, under its French name."""

    code = models.SlugField("code", max_length=40, primary_key=True)
    name = models.CharField("nom", max_length=60, unique=True)

    class Meta:
        verbose_name = "langue"
        ordering = ["code"]

    def __str__(self):
        return self.name


def language_choices() -> list[tuple[str, str]]:
    """(code, « Hébreu »), for a filter, in the order of French, which is that of the codes: accents apart."""
    return [(code, name.capitalize()) for code, name in Language.objects.values_list("code", "name")]


class InterpreterProfile(models.Model):
    """What an interpreter account has besides a role: a home, a home institution, languages."""

    user = models.OneToOneField("accounts.User", models.CASCADE, related_name="interpreter_profile")
    home_institution = models.ForeignKey(Institution, models.PROTECT, verbose_name="établissement d’appartenance")
    home_latitude = models.DecimalField("latitude du domicile", max_digits=8, decimal_places=5, null=True, blank=True)
    home_longitude = models.DecimalField("longitude du domicile", max_digits=8, decimal_places=5, null=True, blank=True)
    languages = models.ManyToManyField(Language, through="InterpreterLanguage", related_name="interpreters")

    class Meta:
        verbose_name = "profil d’interprète"
        verbose_name_plural = "profils d’interprète"

    def __str__(self):
        return str(self.user)


class InterpreterLanguage(models.Model):
    profile = models.ForeignKey(InterpreterProfile, models.CASCADE, related_name="interpreter_languages")
    language = models.ForeignKey(Language, models.PROTECT, verbose_name="langue")

    class Meta:
        verbose_name = "langue de l’interprète"
        verbose_name_plural = "langues de l’interprète"
        constraints = [
            models.UniqueConstraint(
                fields=["profile", "language"],
                name="interpreter_speaks_a_language_once",
                violation_error_message="Cette langue est déjà dans le profil.",
            )
        ]

    def __str__(self):
        return self.language_id
