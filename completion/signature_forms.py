"""« Signature (facultatif) »: two small forms, within the report's own form or on a page of their own."""

from datetime import datetime

from django import forms
from django.utils import timezone

from accounts.models import User
from completion import signatures
from completion.models import Signature
from completion.signatures import Signer
from completion.uploads import Rejected
from requests_app.models import ServiceRequest
from requests_app.sheet import may_see_patient
from requests_app.workflow import NotAllowed

_CONFIRMED = {
    Signer.INTERPRETER: "Je confirme avoir rendu ce service.",
    Signer.PROFESSIONAL: "Je confirme que ce service a été rendu.",
}


class SignatureForm(forms.Form):
    """A name, with a box ticked or a drawing; left as it was proposed, it signs nothing."""

    name = forms.CharField(max_length=Signature._meta.get_field("name").max_length, required=False)
    is_confirmed = forms.BooleanField(required=False)
    # Filled by signature.js from the canvas; nobody chooses a file.
    drawing = forms.FileField(required=False, widget=forms.FileInput(attrs={"hidden": True, "tabindex": -1}))

    def __init__(self, *args, signer, known, **kwargs):
        super().__init__(*args, prefix=_prefix(signer), initial={"name": known}, **kwargs)
        self.signer, self.title = signer, Signer(signer).label
        label = "Votre nom" if signer == Signer.INTERPRETER else "Nom du (de la) professionnel(le)"
        self.fields["name"].label, self.fields["is_confirmed"].label = label, _CONFIRMED[signer]

    @property
    def is_signed(self) -> bool:
        return bool(self.cleaned_data.get("is_confirmed") or self.cleaned_data.get("drawing"))

    @property
    def is_to_redraw(self) -> bool:
        """Whether a drawing came with a page that is shown again: no browser keeps a file."""
        return self.add_prefix("drawing") in self.files

    def clean(self):
        cleaned = super().clean()
        if self.is_signed and not cleaned.get("name"):
            self.add_error("name", "Écrivez le nom de la personne qui signe.")
        if not self.is_signed and cleaned.get("name") and "name" in self.changed_data:
            self.add_error("is_confirmed", "Cochez la case ou signez dans le cadre, pour que la signature soit gardée.")
        return cleaned


def _prefix(signer: str) -> str:
    return f"signature-{signer}"


# As a browser sends them.
FIELD_NAMES = frozenset(f"{_prefix(signer)}-{name}" for signer in Signer for name in SignatureForm.base_fields)


class Signatures:
    """Both forms of a request that is signable: `data` and `files` are those of a POST."""

    def __init__(self, data=None, files=None, *, service_request: ServiceRequest, user: User):
        self.service_request, self.user = service_request, user
        knows = may_see_patient(service_request, user, at=timezone.now())
        known = {
            Signer.INTERPRETER: str(service_request.interpreter),
            Signer.PROFESSIONAL: service_request.professional_name if knows else "",
        }
        self.forms = [SignatureForm(data, files, signer=signer, known=name) for signer, name in known.items()]

    def __iter__(self):
        return iter(self.forms)

    def is_valid(self) -> bool:
        return all([form.is_valid() for form in self.forms])

    @property
    def wrong(self) -> str:
        """What is wrong, for the summary of the form that holds these; nothing when nothing is."""
        said = [text for form in self.forms for texts in form.errors.values() for text in texts]
        return f"Signature\u00a0: {' '.join(said)}" if said else ""

    def given(self) -> list[SignatureForm]:
        """Those that sign something; after `is_valid`."""
        return [form for form in self.forms if form.is_signed]

    @property
    def is_open(self) -> bool:
        """Whether there is something to read: an error, or a drawing to do again."""
        return bool(self.wrong) or any(form.is_to_redraw for form in self.forms)

    def refuse(self, message: str) -> None:
        """Say beside the first box why none was kept."""
        self.forms[0].add_error("is_confirmed", message)

    def words(self) -> list[tuple[str, str]]:
        """(label, name) of each name typed, for a page that refuses."""
        typed = [form for form in self.forms if "name" in form.changed_data or form["is_confirmed"].value()]
        return [(f"Signature, {form['name'].label}", form["name"].value() or "") for form in typed]

    def sign(self, *, at: datetime, revision: int) -> str:
        """Keep what was signed of the `revision` that was shown; what could not be kept, in French.

        A drawing that cannot be read loses neither the report nor the other signature.
        """
        for form in self.given():
            given = {"signer": form.signer, "name": form.cleaned_data["name"], "drawing": form.cleaned_data["drawing"]}
            try:
                signatures.sign(self.service_request, by=self.user, at=at, revision=revision, **given)
            except (Rejected, NotAllowed) as error:
                form.add_error("is_confirmed", str(error))
        return self.wrong
