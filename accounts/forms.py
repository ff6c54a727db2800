"""What is typed to come in. A password or a code is never sent back to the page."""

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone

from accounts import mfa, phones
from accounts.backends import identify
from accounts.throttling import Throttled

PASSWORD_LENGTH = 256
WRONG = "Identifiant ou mot de passe incorrect. Vérifiez qu’il n’y a pas d’espace après le mot de passe temporaire."  # noqa: S105
EXPIRED = (
    "Ce mot de passe temporaire a expiré\u00a0: il servait pendant 72\u00a0heures. Demandez un nouvel accès à la BI du "
    "RSSS, au 514-597-3284."
)


def password_field(label: str, *, autocomplete: str, help_text: str = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=PASSWORD_LENGTH, strip=False, widget=widget, help_text=help_text)


class LoginForm(forms.Form):
    """The FAQ's three boxes: identifiant, mot de passe, ID d'instance (« inscrivez CIUSSS »)."""

    username = forms.CharField(
        label="Identifiant",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = password_field("Mot de passe", autocomplete="current-password")
    instance = forms.CharField(label="ID d’instance", max_length=20)

    def __init__(self, request, *args, **kwargs):
        super().__init__(*args, initial={"instance": settings.INSTANCE_ID}, **kwargs)
        self.request = request
        self.user = self.throttled = None

    def clean_instance(self):
        instance = self.cleaned_data["instance"].strip().upper()
        if instance != settings.INSTANCE_ID:
            raise forms.ValidationError(f"L’ID d’instance est {settings.INSTANCE_ID}.")
        return instance

    def clean(self):
        cleaned = super().clean()
        if not self.errors:
            self.user = self._identify(cleaned["username"], cleaned["password"])
        return cleaned

    def _identify(self, username, password):
        try:
            user = identify(self.request, username, password)
        except Throttled as error:
            self.throttled = error
            raise forms.ValidationError(str(error)) from error
        if user is None:
            raise forms.ValidationError(WRONG)
        if user.has_temporary_password and user.temporary_until <= timezone.now():
            raise forms.ValidationError(EXPIRED)
        return user


class NewPasswordForm(forms.Form):
    """A password chosen by its owner; it is not the one they have now."""

    password = password_field(
        "Nouveau mot de passe",
        autocomplete="new-password",
        help_text="12 caractères ou plus, sans autre règle\u00a0: une phrase que vous retenez convient très bien.",
    )
    again = password_field("Le même, une deuxième fois", autocomplete="new-password")

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self):
        password = self.cleaned_data["password"]
        validate_password(password, self.user)
        if self.user.check_password(password):
            raise forms.ValidationError("Choisissez un mot de passe différent de celui que vous aviez.")
        return password

    def clean_again(self):
        again = self.cleaned_data["again"]
        if self.cleaned_data.get("password", again) != again:
            raise forms.ValidationError("Les deux mots de passe ne sont pas pareils.")
        return again


class NumberForm(forms.Form):
    """The cellulaire of somebody who has none on record."""

    number = forms.CharField(
        label="Numéro de cellulaire",
        max_length=30,
        help_text="Un numéro du Canada, par exemple 514\u00a0555-0123. Il sert à vous envoyer les codes.",
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "size": 18}),
    )

    def clean_number(self):
        try:
            return phones.parse(self.cleaned_data["number"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class UnkeptInput(forms.TextInput):
    """A box whose content is never sent back: a code serves once."""

    def format_value(self, value):
        return None


class CodeForm(forms.Form):
    """The 6 digits of a code, typed or pasted with spaces."""

    code = forms.CharField(
        label="Code de vérification",
        max_length=30,
        widget=UnkeptInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "size": 10}),
    )

    def clean_code(self):
        code = mfa.digits(self.cleaned_data["code"])
        if len(code) != 6:
            raise forms.ValidationError("Écrivez les 6 chiffres du code.")
        return code


class TrustCodeForm(CodeForm):
    trust = forms.BooleanField(label="Faire confiance à cet appareil 30\u00a0jours", required=False)


class RecoveryForm(forms.Form):
    """One of the ten recovery codes: letters and digits."""

    code = forms.CharField(
        label="Code de récupération",
        max_length=30,
        help_text="Un des 10 codes que vous avez notés, par exemple abcd-2345-efgh. Chacun sert une seule fois.",
        widget=UnkeptInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "size": 18}),
    )
