"""The page « hors ligne », which a device keeps for when there is no network: the same for all, it names nobody."""

import datetime

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.shortcuts import render
from django.views.decorators.http import require_safe

from completion.communication_forms import Communications
from completion.forms import CompletionForm
from completion.views.page import ROWS
from requests_app.models import ServiceRequest
from requests_app.workflow import ServiceType

# Of no request: the form is the one on site, which has every field that can be filled in away from a desk.
EPOCH = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)


@login_not_required
@require_safe
def offline(request):
    """What js/offline.js fills in with what this device keeps (screens.md, 4), whoever asks and however it is asked."""
    return render(_of_nobody(), "app/offline.html", _blank())


def _of_nobody() -> HttpRequest:
    made = HttpRequest()
    made.user, made.method, made.path = AnonymousUser(), "GET", "/hors-ligne/"
    return made


def _blank() -> dict:
    """The forms of a report, unbound and without anything proposed: js/offline.js gives the key and the version."""
    nothing = ServiceRequest(service_type=ServiceType.ON_SITE, starts_at=EPOCH, ends_at=EPOCH)
    form = CompletionForm(service_request=nothing, at=EPOCH, initial={"key": "", "version": ""})
    form.fields["attachment"].label = CompletionForm.base_fields["attachment"].label
    formset = Communications(prefix=ROWS, form_kwargs={"at": EPOCH, "is_planned": True})
    return {"service_request": nothing, "form": form, "formset": formset, "tally": None}
