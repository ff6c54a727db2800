"""The fields that take files: several at once, each judged by itself when it is kept."""

from django import forms

from completion.attachments import MAX_ATTACHMENTS
from completion.models import Attachment
from completion.uploads import MAX_BYTES, Refusal
from requests_app.workflow import ServiceType


class FilesInput(forms.FileInput):
    """A telephone offers its camera and its photos; js/upload.js reads the two limits before it sends anything."""

    allow_multiple_selected = True

    def __init__(self):
        accepted = "image/*,.heic,.heif,application/pdf"
        limits = {"data-most": MAX_BYTES, "data-too-heavy": Refusal.TOO_HEAVY.value}
        super().__init__({"accept": accepted, "multiple": True} | limits)

    def value_from_datadict(self, data, files, name):
        return files.getlist(name) if hasattr(files, "getlist") else [files[name]] if name in files else []

    def value_omitted_from_data(self, data, files, name):
        return name not in files


class FilesField(forms.Field):
    """Its value is a list of uploads, not judged yet: one bad file loses nothing of the others."""

    widget = FilesInput

    def __init__(self, **kwargs):
        help_text = f"Photo (JPEG, PNG, WebP, HEIC) ou PDF, 10\u00a0Mo au plus. Au plus {MAX_ATTACHMENTS} fichiers."
        super().__init__(**{"help_text": help_text} | kwargs)

    def validate(self, value):
        super().validate(value)
        if len(value) > MAX_ATTACHMENTS:
            raise forms.ValidationError(f"Choisissez au plus {MAX_ATTACHMENTS} fichiers à la fois.")


class AttachmentForm(forms.Form):
    """More files for a request; only a service on site has parking."""

    kind = forms.ChoiceField(label="Nature", choices=Attachment.Kind, widget=forms.RadioSelect)
    file = FilesField(label="Fichiers", error_messages={"required": "Choisissez un fichier."})

    def __init__(self, data=None, files=None, *, service_request):
        is_on_site = service_request.service_type == ServiceType.ON_SITE
        kind = Attachment.Kind.PARKING_RECEIPT if is_on_site else Attachment.Kind.OTHER
        super().__init__(data, files, initial={"kind": kind})
        if not is_on_site:
            self.fields["kind"].choices = [(kind.value, kind.label)]
