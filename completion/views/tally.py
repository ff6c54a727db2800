"""What a report would pay as it stands on the page, sent or not: its lines, or what they wait for (domain « Pay »)."""

from dataclasses import dataclass, field
from itertools import chain

from billing.services import Estimate
from completion import services
from completion.communication_forms import CommunicationFormSet, Communications
from completion.communications import good_rows, unread_said
from completion.forms import CompletionForm
from completion.mileage import Mileage
from requests_app.models import Channel
from requests_app.workflow import NotAllowed

# As many characters as the field takes: an estimate reads no more of a comment that is too long.
MOST_COMMENTS = CompletionForm.base_fields["comments"].max_length


@dataclass
class Tally:
    """An estimate, or the (label, message) it `waits_for`; the presence, the way and the communications in words."""

    communication_count: int
    call_count: int
    presence: str = ""
    refused: str = ""
    mileage: str = ""
    unread: str = ""
    estimate: Estimate | None = None
    waits_for: list[tuple[str, str]] = field(default_factory=list)


def tally(form: CompletionForm, formset: CommunicationFormSet, *, by, at, mileage: Mileage | None) -> Tally:
    """By the engine and the checks of `services.file`, so that what is shown is what is saved; nothing is written."""
    judged, rows = _judged(form, formset, mileage)
    comments = (judged["comments"].value() or "")[:MOST_COMMENTS]
    typed = [row["channel"] for row in good_rows(comments, at=at)]
    channels = formset.made() + typed
    found = Tally(len(channels), channels.count(Channel.PHONE), presence=judged.presence())
    # Said once: beside its field when the page came back with it.
    found.refused = "" if {"start_time", "end_time"} & form.errors.keys() else judged.refused_presence()
    found.mileage = mileage.said(judged.cleaned_data.get("distance_km")) if mileage else ""
    found.unread = unread_said(comments)
    found.waits_for = [*judged.awaited(), *rows.awaited()]
    if not found.waits_for:
        _estimate(found, judged, rows, by, at)
    return found


def _estimate(found: Tally, form, rows, by, at) -> None:
    sent = {"communications": rows.rows(), "seen": rows.seen(), **form.happened()}
    try:
        found.estimate, made = services.preview(form.service_request, by=by, at=at, **sent)
    except services.Unfit as error:
        found.waits_for = [(form.label_of(error.field), str(error))]
    except NotAllowed as error:
        found.waits_for = [("Demande", str(error))]
    else:
        found.communication_count = len(made)
        found.call_count = sum(row.channel == Channel.PHONE for row in made)


def _judged(form, formset, mileage) -> tuple[CompletionForm, CommunicationFormSet]:
    """Both forms as they would be judged if the page were sent as it is shown; it says none of their errors."""
    sent = _as_sent(form, formset)
    is_on_behalf = "note" in form.fields
    given = {"service_request": form.service_request, "at": form.at, "is_on_behalf": is_on_behalf, "mileage": mileage}
    judged = CompletionForm(sent, **given)
    rows = Communications(sent, prefix=formset.prefix, form_kwargs=formset.form_kwargs)
    judged.full_clean()
    rows.full_clean()
    return judged, rows


def _as_sent(form, formset) -> dict:
    """What the browser would send of the fields as they are shown."""
    counts = {"TOTAL_FORMS": len(formset.forms), "INITIAL_FORMS": formset.initial_form_count()}
    named = {f"{formset.prefix}-{name}": count for name, count in counts.items()}
    return named | {bound.html_name: _shown(bound) for bound in chain(form, *formset)}


def _shown(bound):
    value = bound.value()
    if value is None or value is False or bound.widget_type == "file":
        return ""
    return "on" if value is True else str(value)
