"""The page of one file: alerts, asked beside done, pay, and the decisions of a validator; then the next file."""

from functools import partial
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts import keyset
from accounts.french import hour_or_day
from billing.ledger import adjust
from completion import decisions, queue, revisions
from completion import review as shown
from completion.flagged import flags_of
from completion.review_forms import (
    REOPEN,
    UNTICKED,
    AcceptForm,
    AddLineForm,
    AdjustForm,
    DecisionForm,
    ReturnForm,
    ValidateForm,
)
from completion.sheet import requested
from completion.signatures import signed
from requests_app.history import lines
from requests_app.masking import eraser
from requests_app.views.access import load
from requests_app.workflow import Action, NotAllowed, Status

LIST = "admin:completion_review_changelist"
PAGE = "admin:completion_review_change"
# What an address keeps of the list it was reached from, as Django's admin names it.
KEPT = "_changelist_filters"


def review(model_admin, request, object_id: str):
    """Open a file that awaits validation, or one completed; or do what one button says."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    service_request = _load(request, object_id)
    desk = Desk(model_admin, request, service_request)
    if request.method != "POST":
        return desk.page()
    pressed = [do for name, do in BUTTONS.items() if name in request.POST]
    # Nothing is paid by a form that names no button, or several.
    return pressed[0](desk) if len(pressed) == 1 else desk.page(status=422, refusal=REOPEN)


def _load(request, object_id):
    service_request = load(request, keyset.number(object_id))
    if not service_request.is_due_to_review and service_request.status != Status.COMPLETED:
        raise Http404
    return service_request


class Desk:
    """One file before one validator, with the filters of the list they came from."""

    def __init__(self, model_admin, request, service_request):
        self.model_admin, self.request, self.file = model_admin, request, service_request
        self.at = timezone.now()
        self.choice = queue.Choice.of_list(request.GET.get(KEPT, ""))

    def do(self, form, act, said: str, *, goes_on=False):
        """422 beside the field; 409 when the verb refuses, with the file as it stands; or said, on the page to read."""
        if not form.is_valid():
            return self.page(status=422, sent=form)
        try:
            act(by=self.request.user, at=self.at, **form.cleaned_data)
        except NotAllowed as error:
            was_open, self.file = self.file.is_due_to_review, _load(self.request, str(self.file.pk))
            return self.page(status=409, refusal=self._validated(was_open) or str(error), sent=form)
        messages.success(self.request, said)
        following = queue.next_after(self.file, self.choice, at=self.at) if goes_on else self.file.pk
        return redirect(self.address(following))

    def _validated(self, was_open) -> str:
        """Who validated meanwhile the file that the page showed open."""
        if self.file.status != Status.COMPLETED or not (was_open or self.request.POST.get("seen")):
            return ""
        step = self.file.transitions.filter(action=Action.VALIDATE).select_related("by").last()
        when = hour_or_day(step.at, self.at)
        who = "vous" if step.by == self.request.user else step.by
        return f"Déjà validée par {who}{'' if when.startswith('le ') else ' à'} {when}."

    def address(self, pk: int | None) -> str:
        """The page of a file, or the list when there is none, both with the filters."""
        kept = self.choice.written()
        if pk is None:
            return reverse(LIST) + (f"?{kept}" if kept else "")
        return reverse(PAGE, args=[pk]) + (f"?{urlencode({KEPT: kept})}" if kept else "")

    def page(self, *, status=200, refusal="", sent=None):
        shown.prepare(self.file)
        is_open = self.file.is_due_to_review
        may_decide = is_open and shown.may_validate(self.file, self.request.user, at=self.at)
        refusal = refusal or " ".join(sent.non_field_errors() if sent else [])
        drawn = self._forms(may_decide, sent, refusal)
        context = {
            **self.model_admin.admin_site.each_context(self.request),
            "title": f"Demande {self.file.pk}",
            "opts": self.model_admin.opts,
            "service_request": self.file,
            "completion": shown.report_of(self.file),
            "is_open": is_open,
            "is_returned": is_open and queue.is_returned(self.file),
            "may_decide": may_decide,
            "refusal": refusal,
            # Beside the fields too; at the top, because they may be far below.
            "wrong": sent if sent and sent.errors and not refusal else None,
            "unsent": _unsent(sent, drawn, may_decide),
            "requested": requested(self.file),
            "reported": shown.done(self.file),
            "attachments": shown.pieces_of(self.file, eraser(self.file)),
            "messages_read": shown.messages_of(self.file, self.request.user),
            **self._corrections(refusal),
            **self._alerts(is_open),
            **drawn,
            **self._neighbours(is_open),
        }
        return render(self.request, "admin/completion/review/page.html", context, status=status)

    def _alerts(self, is_open):
        flags = flags_of([self.file])[self.file.pk] if is_open else []
        alerts = [
            (
                flag,
                decisions.key_of(flag),
                flag.other and reverse(PAGE, args=[flag.other]),
                shown.PLACES.get(flag.kind, "realise"),
            )
            for flag in flags
        ]
        seen = {"version": self.file.version, "seen": decisions.fingerprint(self.file)}
        return {"alerts": alerts, "current": seen | {"mark": shown.Mark.of(self.file)}, "unticked": UNTICKED}

    def _corrections(self, refusal):
        """Every correction and who signed; after a refusal, what changed since the page that was sent was opened."""
        kept, signatures = revisions.read(self.file)
        corrections, changed = revisions.savings(kept, self.request.user, eraser(self.file))[1:][::-1], {}
        if refusal:
            mark, version = self.request.POST.get("mark", ""), keyset.number(self.request.POST.get("version", ""))
            steps = lines(self.file, self.request.user, at=self.at, since_version=version) if version else []
            seen = keyset.number(mark.partition("-")[0])
            newer = [saving for saving in corrections if seen and saving.number > seen]
            changed = {"steps": steps, "since": shown.since(self.file, mark), "newer": newer}
        signed_by = signed(signatures, self.file, self.request.user, at=self.at)
        return {"revisions": corrections, "changed": changed, "signatures": signed_by}

    def _forms(self, may_decide, sent, refusal):
        """What is paid, and a form for each row that this validator may still decide."""
        pay, made = shown.pay_of(self.file, eraser(self.file)), shown.communications_of(self.file)
        completion = getattr(self.file, "completion", None)
        blank = ValidateForm(returned_at=completion and completion.returned_at)
        for row in made:
            row.form = _form(AcceptForm, row.communication, sent) if may_decide and not row.is_billable else None
        user = self.request.user
        is_theirs = self.file.has_part(user)
        corrections = [] if is_theirs else [_form(AdjustForm, line, sent) for line in shown.correctable(pay)]
        return {
            "pay": pay,
            "pay_rows": shown.rows_of(self.file, pay),
            "communications": made,
            "corrections": corrections,
            "form": sent if isinstance(sent, ReturnForm) else ReturnForm(),
            "validation": sent if isinstance(sent, ValidateForm) and not refusal else blank,
            "addition": sent if isinstance(sent, AddLineForm) else AddLineForm(),
        }

    def _neighbours(self, is_open):
        place = queue.place_of(self.file, self.choice, at=self.at) if is_open else None
        return {
            "place": place,
            "before_url": self.address(place.before) if place and place.before else "",
            "after_url": self.address(place.after) if place and place.after else "",
            "list_url": self.address(None),
        }


# The buttons.


def _validate(desk):
    said = f"Demande {desk.file.pk} validée\u00a0: Achevé."
    completion = getattr(desk.file, "completion", None)
    form = ValidateForm(desk.request.POST, returned_at=completion and completion.returned_at)
    return desk.do(form, partial(decisions.validate, desk.file), said, goes_on=True)


def _return(desk):
    said = f"Demande {desk.file.pk} retournée à l’interprète."
    act = partial(decisions.return_for_correction, desk.file)
    return desk.do(ReturnForm(desk.request.POST), act, said, goes_on=True)


def _accept(desk):
    row = _named(desk.file.communications, desk.request.POST["payer"])
    if row is None:
        return desk.page(status=409, refusal=decisions.GONE, sent=DecisionForm(desk.request.POST))
    act = partial(decisions.accept_communication, desk.file, row)
    return desk.do(AcceptForm(desk.request.POST, about=row), act, "La communication sera payée.")


def _refuse(desk):
    row = _named(desk.file.communications, desk.request.POST["ne_pas_payer"])
    if row is None:
        return desk.page(status=409, refusal=decisions.GONE)
    act = partial(decisions.refuse_communication, desk.file, row)
    return desk.do(DecisionForm(desk.request.POST), act, "La communication ne sera pas payée.")


def _add(desk):
    said = "Ligne ajoutée\u00a0: l’interprète la voit avec sa paie."
    return desk.do(AddLineForm(desk.request.POST), partial(decisions.add_line, desk.file), said)


def _remove(desk):
    act = partial(decisions.remove_line, desk.file, line=keyset.number(desk.request.POST["retirer"]))
    return desk.do(DecisionForm(desk.request.POST), act, "Ligne retirée.")


def _adjust(desk):
    line = _named(desk.file.pay_lines, desk.request.POST["corriger"])
    if line is None:
        raise Http404
    said = "Ligne corrigée\u00a0: l’interprète en est informé."
    return desk.do(AdjustForm(desk.request.POST, about=line), partial(adjust, line), said)


BUTTONS = {
    "valider": _validate,
    "retourner": _return,
    "payer": _accept,
    "ne_pas_payer": _refuse,
    "ajouter": _add,
    "retirer": _remove,
    "corriger": _adjust,
}


def _named(rows, number: str):
    """The row a button names, or None."""
    return rows.filter(pk=keyset.number(number)).first()


def _unsent(sent, drawn: dict, may_decide: bool) -> str:
    """The reason typed in a form that the page no longer has: nobody should have to write it again."""
    to_decide = [drawn["form"], drawn["addition"], *(row.form for row in drawn["communications"])]
    forms = drawn["corrections"] + (to_decide if may_decide else [])
    is_shown = any(form is sent for form in forms)
    return "" if sent is None or is_shown else sent.data.get("reason", "")


def _form(kind, about, sent):
    """The form of a row: as it was sent when it is the one refused, blank otherwise."""
    return sent if isinstance(sent, kind) and sent.about == about else kind(about=about)
