from django import forms
from django.conf import settings
from django.contrib.auth import authenticate


class LoginForm(forms.Form):
    """The FAQ's three boxes: identifiant, mot de passe, ID d'instance (« inscrivez CIUSSS »)."""

    username = forms.CharField(
        label="Identifiant",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label="Mot de passe",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    instance = forms.CharField(label="ID d’instance", max_length=20)

    def __init__(self, request, *args, **kwargs):
        super().__init__(*args, initial={"instance": settings.INSTANCE_ID}, **kwargs)
        self.request = request
        self.user = None

    def clean_instance(self):
        instance = self.cleaned_data["instance"].strip().upper()
        if instance != settings.INSTANCE_ID:
            raise forms.ValidationError(f"L’ID d’instance est {settings.INSTANCE_ID}.")
        return instance

    def clean(self):
        cleaned = super().clean()
        if not self.errors:
            self.user = authenticate(self.request, username=cleaned["username"], password=cleaned["password"])
            if self.user is None:
                raise forms.ValidationError(
                    "Identifiant ou mot de passe incorrect. Vérifiez qu’il n’y a pas d’espace après le mot de passe "
                    "temporaire."
                )
        return cleaned
