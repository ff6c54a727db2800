"""The page of a report: its forms together, as opened, as sent or as typed, and what they would pay."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.shortcuts import render

from completion.communication_forms import CommunicationFormSet, Communications, row_initial, typed
from completion.forms import CompletionForm
from completion.mileage import Mileage, mileage_of
from completion.models import Outcome
from completion.signature_forms import Signatures
from completion.signatures import is_signable
from completion.views.tally import Tally, tally
from requests_app.models import ServiceRequest

ROWS = "communications"


@dataclass
class Page:
    """What one page shows and one POST sends; `signatures` is None for a service that nobody signs."""

    request: HttpRequest
    service_request: ServiceRequest
    at: datetime
    mileage: Mileage | None
    form: CompletionForm
    formset: CommunicationFormSet
    signatures: Signatures | None

    @property
    def is_on_behalf(self) -> bool:
        return _is_on_behalf(self.request, self.service_request)

    def is_valid(self) -> bool:
        """All three, so that all that is wrong is said at once."""
        is_valid = self.form.is_valid() & self.formset.is_valid()
        if self.signing and not self.signing.is_valid():
            self.form.add_error(None, self.signing.wrong)
        return is_valid and not self.form.errors

    @property
    def signing(self) -> Signatures | None:
        """The signatures to judge and keep of a page that was sent: none of a service cancelled, which hides them."""
        is_cancelled = self.form.cleaned_data.get("outcome") == Outcome.CANCELLED
        return None if is_cancelled else self.signatures

    def _filed_key(self) -> str:
        """The key of the last revision: a draft that bears it has arrived, whatever became of the answer."""
        completion = getattr(self.service_request, "completion", None)
        return completion.revisions.values_list("key", flat=True).last() if completion else ""

    def tally(self) -> Tally:
        return tally(self.form, self.formset, by=self.request.user, at=self.at, mileage=self.mileage)

    def shown(self, status=200):
        service_request = self.service_request
        context = {
            "service_request": service_request,
            "is_on_behalf": self.is_on_behalf,
            "completion": getattr(service_request, "completion", None),
            "form": self.form,
            "formset": self.formset,
            "signatures": self.signatures,
            "is_alone": False,
            "mileage": self.mileage,
            "attachments": service_request.attachments.current(),
            "tally": self.tally(),
            "is_out_of_band": False,
            "filed_key": self._filed_key(),
            # The page's own clock is not the telephone's: « Maintenant » is the server's.
            "now_ms": int(self.at.timestamp() * 1000),
        }
        return render(self.request, "completion/edit.html", context, status=status)


def opened(request, service_request, at) -> Page:
    """As filed, or as booked."""
    rows = [row_initial(made) for made in service_request.communications.all()]
    return _page(request, service_request, at, rows={"initial": rows})


def sent(request, service_request, at) -> Page:
    """As sent, to be judged."""
    given = (request.POST, request.FILES)
    return _page(request, service_request, at, given=given, rows={"data": request.POST})


def retyped(request, service_request, at, **instead) -> Page:
    """With what was typed, unjudged; `instead`: other values of some fields."""
    rows = {"initial": typed(request.POST, ROWS, at=at)}
    return _page(request, service_request, at, rows=rows, initial=request.POST.dict() | instead)


def _page(request, service_request, at, *, given=(), rows, initial=None) -> Page:
    is_on_behalf = _is_on_behalf(request, service_request)
    mileage = mileage_of(service_request, is_on_behalf=is_on_behalf)
    about = {"service_request": service_request, "at": at, "is_on_behalf": is_on_behalf, "mileage": mileage}
    about_rows = {"at": at, "is_planned": service_request.are_communications_requested}
    return Page(
        request=request,
        service_request=service_request,
        at=at,
        mileage=mileage,
        form=CompletionForm(*given, **about, initial=initial),
        formset=Communications(prefix=ROWS, form_kwargs=about_rows, **rows),
        signatures=_signatures(request, service_request),
    )


def _signatures(request, service_request) -> Signatures | None:
    if not is_signable(service_request):
        return None
    typed_or_drawn = (request.POST, request.FILES) if request.method == "POST" else ()
    return Signatures(*typed_or_drawn, service_request=service_request, user=request.user)


def _is_on_behalf(request, service_request) -> bool:
    return request.user.pk != service_request.interpreter_id
