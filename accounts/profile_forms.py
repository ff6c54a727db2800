from django import forms

from accounts import mfa, phones
from accounts.backends import identify
from accounts.devices import Channel, SecondFactor
from accounts.forms import NewPasswordForm, NumberForm, password_field
from accounts.roles import Role


class NotificationsForm(forms.Form):
    """The FAQ's two boxes; text messages go to interpreters only, so only they have the first one."""

    sms_disabled = forms.BooleanField(label="Désactiver les notifications par message texte", required=False)
    email_disabled = forms.BooleanField(label="Désactiver les notifications par courriel", required=False)

    def __init__(self, user, *args, **kwargs):
        boxes = {"sms_disabled": user.sms_disabled, "email_disabled": user.email_disabled}
        super().__init__(*args, initial=boxes, **kwargs)
        if user.role != Role.INTERPRETER:
            del self.fields["sms_disabled"]


class ShortcutsForm(forms.Form):
    """Single keys on the board: another program may speak to the page with the same ones."""

    uses_shortcuts = forms.BooleanField(
        label="Raccourcis clavier",
        required=False,
        help_text="Une seule touche pour aller d’une demande à l’autre, l’offrir ou l’attribuer. Sur le tableau, "
        "«\u00a0?\u00a0» en montre la liste.",
    )


class FactorForm(forms.Form):
    """Where the next codes go, among what this person may use."""

    factor = forms.ChoiceField(label="Recevoir mes prochains codes par", widget=forms.RadioSelect)

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, initial={"factor": user.second_factor}, **kwargs)
        self.fields["factor"].choices = [(method.value, method.label) for method in mfa.methods(user)]

    def clean_factor(self):
        return SecondFactor(self.cleaned_data["factor"])


class CurrentPassword(forms.Form):
    """What asks for the password again. `is_valid` raises Throttled before anything is hashed."""

    current_password = password_field("Mot de passe actuel", autocomplete="current-password")

    def __init__(self, request, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_current_password(self):
        typed = self.cleaned_data["current_password"]
        if identify(self.request, self.request.user.username, typed) != self.request.user:
            raise forms.ValidationError("Ce n’est pas votre mot de passe actuel.")
        return typed


class PasswordForm(CurrentPassword, NewPasswordForm):
    """The password changed from the profile."""

    field_order = ["current_password", "password", "again"]

    def __init__(self, request, *args, **kwargs):
        super().__init__(request, request.user, *args, **kwargs)


class AskedNumberForm(CurrentPassword, NumberForm):
    """A first number, from a session that has been open for a while."""

    field_order = ["number", "current_password"]


class PhoneForm(CurrentPassword):
    """A new number. Two accounts may share one: somebody with two roles has two accounts."""

    address = forms.CharField(
        label="Nouveau cellulaire",
        max_length=30,
        help_text="Un numéro du Canada, par exemple 514\u00a0555-0123.",
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "size": 18}),
    )
    field_order = ["address", "current_password"]

    def clean_address(self):
        try:
            number = phones.parse(self.cleaned_data["address"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        if number == self.request.user.mobile_phone:
            raise forms.ValidationError("C’est déjà votre numéro\u00a0: il n’y a rien à changer.")
        return number


class EmailForm(CurrentPassword):
    """A new e-mail address, which two accounts may share too."""

    address = forms.EmailField(
        label="Nouveau courriel", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    field_order = ["address", "current_password"]

    def clean_address(self):
        address = self.cleaned_data["address"]
        if address.lower() == self.request.user.email.lower():
            raise forms.ValidationError("C’est déjà votre courriel\u00a0: il n’y a rien à changer.")
        return address


CONTACT_FORMS = {Channel.SMS: PhoneForm, Channel.EMAIL: EmailForm}


class ForgottenForm(forms.Form):
    """« J'ai oublié mon mot de passe »: the identifiant, or the address where the link will go."""

    username = forms.CharField(
        label="Identifiant ou courriel",
        max_length=254,
        help_text="L’identifiant que la BI vous a transmis, ou le courriel de votre compte.",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )

    def clean_username(self):
        return self.cleaned_data["username"].lower()
