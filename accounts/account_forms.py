"""What an account is given: by hand in the admin, or line by line from a file (accounts/importing.py)."""

import re
import unicodedata

from django import forms

from accounts import phones
from accounts.models import Institution, Language, User
from accounts.roles import STAFF_ROLES, Role

USERNAME = re.compile(r"\w[\w.@+-]*")
# What a spreadsheet would run as a formula when the name is exported one day.
FORMULA_SIGNS = ("=", "+", "-", "@")
# Who belongs to an institution: the requesters, and the interpreters as the origin of their trips.
PLACED = frozenset({Role.REQUESTER, Role.INTERPRETER})
# Without one on record, whoever holds the mailed password would bring their own telephone (reliability, 0.18).
STAFF_NUMBER = "Inscrivez le cellulaire\u00a0: le personnel de la BI y reçoit ses codes."


class AccountFields(forms.Form):
    """The person and how to reach them, checked the same way wherever they come from."""

    username = forms.CharField(
        label="Identifiant", max_length=60, help_text="Sans espace\u00a0: lettres, chiffres, point, tiret."
    )
    first_name = forms.CharField(label="Prénom", max_length=60, widget=forms.TextInput(attrs={"size": 30}))
    last_name = forms.CharField(label="Nom", max_length=60, widget=forms.TextInput(attrs={"size": 30}))
    email = forms.EmailField(
        label="Courriel",
        max_length=254,
        widget=forms.EmailInput(attrs={"size": 40}),
        help_text="L’identifiant et le mot de passe temporaire y sont envoyés.",
        error_messages={"invalid": "Écrivez une adresse complète, par exemple nom@exemple.qc.ca."},
    )
    mobile_phone = forms.CharField(
        label="Cellulaire",
        max_length=30,
        required=False,
        help_text="Un numéro du Canada, par exemple 514 555-0123. Le premier code de vérification y est envoyé.",
    )

    def clean_username(self):
        username = unicodedata.normalize("NFKC", self.cleaned_data["username"]).lower()
        if not USERNAME.fullmatch(username):
            raise forms.ValidationError("Écrivez l’identifiant sans espace, avec des lettres et des chiffres.")
        if len(username) > 60:
            raise forms.ValidationError("Écrivez 60 caractères au plus.")
        return username

    def clean_first_name(self):
        return _name(self.cleaned_data["first_name"])

    def clean_last_name(self):
        return _name(self.cleaned_data["last_name"])

    def clean_mobile_phone(self):
        typed = self.cleaned_data["mobile_phone"]
        try:
            return phones.parse(typed) if typed else ""
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


def _name(typed: str) -> str:
    name = " ".join(typed.split())
    if name.startswith(FORMULA_SIGNS):
        raise forms.ValidationError("Un nom ne commence ni par «\u00a0=\u00a0», ni par +, - ou @.")
    if not name.isprintable():
        raise forms.ValidationError("Ce nom contient un caractère qui ne s’affiche pas\u00a0: écrivez-le de nouveau.")
    return name


class AccountForm(AccountFields, forms.ModelForm):
    """The page of an account; for an interpreter, what they speak and where they come from too."""

    institution = forms.ModelChoiceField(
        Institution.objects.all(),
        label="Établissement",
        required=False,
        help_text="Celui d’un demandeur, ou l’établissement d’appartenance d’un interprète.",
    )
    languages = forms.ModelMultipleChoiceField(
        Language.objects.all(), label="Langues", required=False, widget=forms.CheckboxSelectMultiple
    )
    home_latitude = forms.DecimalField(
        label="Latitude du domicile", min_value=40, max_value=65, max_digits=8, decimal_places=5, required=False
    )
    home_longitude = forms.DecimalField(
        label="Longitude du domicile", min_value=-85, max_value=-50, max_digits=8, decimal_places=5, required=False
    )

    class Meta:
        model = User
        fields = []  # UserAdmin names those of each page

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.former = {"email": self.instance.email, "mobile_phone": self.instance.mobile_phone}
        self.initial["mobile_phone"] = phones.written(self.instance.mobile_phone)
        for name in ("email", "mobile_phone", "sms_disabled", "email_disabled"):
            # What the person changed since the page was opened is not put back by whoever changes something else.
            if self.instance.pk and name in self.fields:
                self.fields[name].show_hidden_initial = True
        if profile := getattr(self.instance, "interpreter_profile", None):
            self.initial |= {
                "institution": profile.home_institution_id,
                "languages": list(profile.languages.all()),
                "home_latitude": profile.home_latitude,
                "home_longitude": profile.home_longitude,
            }

    def clean(self):
        cleaned = super().clean()
        self.role = Role(cleaned.get("role") or self.instance.role or Role.REQUESTER)
        self.institution = cleaned.get("institution")
        if self.role in PLACED and not self.institution and "institution" not in self.errors:
            self.add_error("institution", "Choisissez l’établissement.")
        if self.role in STAFF_ROLES and not cleaned.get("mobile_phone", self.instance.mobile_phone):
            if "mobile_phone" not in self.errors:
                self.add_error("mobile_phone", STAFF_NUMBER)
        if self.role == Role.INTERPRETER and not cleaned.get("languages"):
            self.add_error("languages", "Choisissez au moins une langue.")
        if (cleaned.get("home_latitude") is None) != (cleaned.get("home_longitude") is None):
            self.add_error("home_longitude", "Donnez la latitude et la longitude, ou aucune des deux.")
        # An interpreter's institution is kept in the profile.
        cleaned["institution"] = self.institution if self.role == Role.REQUESTER else None
        return cleaned

    def account(self) -> dict:
        """The arguments of `services.create_account`."""
        names = ("username", "first_name", "last_name", "email", "mobile_phone", "role", "institution")
        return {name: self.cleaned_data[name] for name in names} | {"profile": self.profile()}

    def profile(self) -> dict | None:
        """What an interpreter has besides; None for everybody else."""
        if self.role != Role.INTERPRETER:
            return None
        home = {name: self.cleaned_data[name] for name in ("languages", "home_latitude", "home_longitude")}
        return {"home_institution": self.institution, **home}
