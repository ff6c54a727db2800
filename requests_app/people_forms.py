"""The forms of the pages on interpreters: finding one, excluding one, what one takes on."""

from datetime import datetime

from django import forms

from accounts.directory import language_choices
from accounts.models import HealthRegion, Institution
from requests_app.exclusions import check_end
from requests_app.forms import DATE, LinesField
from requests_app.sourcing import REACH_KM, Practice
from requests_app.workflow import NotAllowed, ServiceType

# As long as Exclusion.reason and Exclusion.lifted_reason.
LONGEST_REASON = 300


class FindForm(forms.Form):
    """Whom one looks for; what cannot be read is not looked for."""

    nom = forms.CharField(label="Nom", max_length=80, required=False)
    langue = forms.ChoiceField(label="Langue", required=False)
    region = forms.ChoiceField(label="Région", required=False)
    inactifs = forms.BooleanField(label="Comptes inactifs seulement", required=False)
    # None is asked for: « (facultatif) » beside each of them would say nothing.
    conditional_fields = {"nom", "langue", "region"}

    def __init__(self, data):
        super().__init__(data)
        self.fields["langue"].choices = [("", "Toutes"), *language_choices()]
        regions = HealthRegion.objects.values_list("code", "name")
        self.fields["region"].choices = [("", "Toutes"), *((code, f"{code} {name}") for code, name in regions)]

    def search(self) -> dict:
        """The arguments of `people.listed`."""
        self.is_valid()
        given = {name: self.cleaned_data.get(name) or "" for name in ("nom", "langue", "region")}
        is_active = not self.cleaned_data.get("inactifs")
        return {"name": given["nom"], "language": given["langue"], "region": given["region"], "is_active": is_active}


class ExclusionForm(forms.Form):
    """From which institution, until when, why; `seen` is what the page showed that it concerns."""

    institution = forms.ModelChoiceField(Institution.objects, label="Établissement", empty_label="Choisissez")
    ends_on = forms.DateField(label="Jusqu’au", widget=DATE, help_text="Ce jour compris; deux ans au plus.")
    reason = LinesField(
        label="Raison",
        max_length=LONGEST_REASON,
        rows=2,
        help_text="La BI seule la lit. N’écrivez ni le nom d’un usager, ni un renseignement de santé.",
        error_messages={"required": "Indiquez la raison."},
    )
    seen = forms.CharField(max_length=32, required=False, widget=forms.HiddenInput)

    def __init__(self, data=None, *, at: datetime):
        super().__init__(data)
        self.at = at

    def clean_ends_on(self):
        ends_on = self.cleaned_data["ends_on"]
        try:
            check_end(ends_on, at=self.at)
        except NotAllowed as error:
            raise forms.ValidationError(str(error)) from error
        return ends_on


class LiftForm(forms.Form):
    """Why an exclusion ends before its day; a page holds one for each exclusion, and `pk` makes its ids its own."""

    reason = forms.CharField(
        label="Pourquoi la lever", max_length=LONGEST_REASON, error_messages={"required": "Indiquez la raison."}
    )

    def __init__(self, data=None, *, pk: int):
        super().__init__(data, auto_id=f"id_lift{pk}_%s")


class PracticeForm(forms.Form):
    """« Services et territoire »."""

    service_types = forms.MultipleChoiceField(
        label="Services",
        choices=ServiceType,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choisissez au moins un service."},
    )
    regions = forms.MultipleChoiceField(label="Autres régions", widget=forms.CheckboxSelectMultiple, required=False)
    reach_km = forms.IntegerField(
        label="Rayon (km)",
        min_value=1,
        max_value=2000,
        widget=forms.NumberInput(attrs={"size": 5, "inputmode": "numeric"}),
        help_text="Par la route, aller simple. Au-delà, seules comptent les régions cochées.",
    )

    def __init__(self, data=None, *, practice: Practice | None, home_region: str):
        names = ("service_types", "regions", "reach_km")
        usual = {"service_types": ServiceType.values, "regions": [], "reach_km": REACH_KM}
        super().__init__(data, initial={name: getattr(practice, name) for name in names} if practice else usual)
        # That of the home institution goes without saying.
        others = HealthRegion.objects.exclude(code=home_region).values_list("code", "name")
        self.fields["regions"].choices = [(code, f"{code} {name}") for code, name in others]
        self.fields["regions"].help_text = "Où cette personne se déplace aussi, quelle que soit la distance."
