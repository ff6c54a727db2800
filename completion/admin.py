"""The validators' queue in the admin: what awaits validation, oldest first, and one page for each file.

The page of a completed file shows its frozen lines, each with its correction.
"""

from functools import partial

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts import keyset
from accounts.admin import RoleAdmin
from accounts.french import duration, hour, km, short_date
from accounts.roles import Role
from billing.services import adjust
from completion import review, services
from completion.facts import presence_minutes
from completion.models import Review
from completion.review_forms import AcceptForm, AdjustForm, DecisionForm, ReturnForm
from completion.sheet import reported, requested
from requests_app.views.access import load
from requests_app.workflow import NotAllowed


@admin.register(Review)
class ReviewAdmin(RoleAdmin):
    """Validators only: they read, decide, validate, return and correct; nobody adds, edits or deletes here."""

    view_roles = change_roles = frozenset({Role.VALIDATOR})
    list_display = ["date", "interpreter", "language", "kind", "length", "distance", "pieces", "returned"]
    list_display_links = ["date"]
    list_per_page = 50
    show_full_result_count = False
    sortable_by = ()
    search_fields = ["=pk"]
    search_help_text = "Numéro d’une demande, à valider ou achevée."
    actions = None

    def has_add_permission(self, request):
        return False

    def get_queryset(self, request):
        return review.queue(super().get_queryset(request))

    def get_search_results(self, request, queryset, search_term):
        """By number, a completed request is found too: its lines may be corrected."""
        number = search_term.strip()
        return (review.numbered(number) if number else queryset), False

    @admin.display(description="Date")
    def date(self, row):
        return f"{short_date(row.starts_at)}, {hour(row.starts_at)}"

    @admin.display(description="Type")
    def kind(self, row):
        cancelled = "" if row.filed_by_id else ", annulation tardive"
        return f"{row.get_service_type_display()}{cancelled if row.notice_received_at else ''}"

    @admin.display(description="Durée")
    def length(self, row):
        completion = getattr(row, "completion", None)
        minutes = presence_minutes(completion) if completion else None
        return duration(minutes) if minutes else None

    @admin.display(description="Km")
    def distance(self, row):
        completion = getattr(row, "completion", None)
        return km(completion.distance_km) if completion and completion.distance_km else None

    @admin.display(description="Pièces")
    def pieces(self, row):
        return row.attachment_count

    @admin.display(description="Retournée")
    def returned(self, row):
        completion = getattr(row, "completion", None)
        return short_date(completion.returned_at) if completion and completion.returned_at else None

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": "À valider", **(extra_context or {})})

    # The review page stands at the admin's own address for a change.

    def change_view(self, request, object_id, form_url="", extra_context=None):
        if not self.has_change_permission(request):
            raise PermissionDenied
        if not object_id.isdecimal() or len(object_id) > 18:
            raise Http404
        service_request = load(request, int(object_id))
        if request.method != "POST":
            return self._page(request, service_request)
        buttons = {
            "valider": self._validate,
            "retourner": self._return,
            "payer": self._accept,
            "ne_pas_payer": self._refuse,
            "corriger": self._adjust,
        }
        pressed = next((decide for name, decide in buttons.items() if name in request.POST), None)
        # Nothing is paid by a form that names no button.
        return pressed(request, service_request) if pressed else self._page(request, service_request, status=422)

    def _validate(self, request, service_request):
        act = partial(services.validate, service_request)
        said = f"Demande {service_request.pk} validée\u00a0: Achevé."
        return self._do(request, service_request, DecisionForm(request.POST), act, said, goes_on=True)

    def _return(self, request, service_request):
        act = partial(services.return_for_correction, service_request)
        said = f"Demande {service_request.pk} retournée à l’interprète."
        return self._do(request, service_request, ReturnForm(request.POST), act, said, goes_on=True)

    def _accept(self, request, service_request):
        row = _named(service_request.communications, request.POST["payer"])
        if row is None:
            return self._page(request, service_request, status=409, refusal=services.GONE)
        act = partial(services.accept_communication, service_request, row)
        form = AcceptForm(request.POST, about=row)
        return self._do(request, service_request, form, act, "La communication sera payée.")

    def _refuse(self, request, service_request):
        row = _named(service_request.communications, request.POST["ne_pas_payer"])
        if row is None:
            return self._page(request, service_request, status=409, refusal=services.GONE)
        act = partial(services.refuse_communication, service_request, row)
        said = "La communication ne sera pas payée."
        return self._do(request, service_request, DecisionForm(request.POST), act, said)

    def _adjust(self, request, service_request):
        line = _named(service_request.pay_lines, request.POST["corriger"])
        if line is None:
            raise Http404
        form = AdjustForm(request.POST, about=line)
        said = "Ligne corrigée\u00a0: l’interprète en est informé."
        return self._do(request, service_request, form, partial(adjust, line), said)

    def _do(self, request, service_request, form, act, said, *, goes_on=False):
        """422 beside the field; 409 when the verb refuses, with the file as it stands; or said, on the page to read."""
        if not form.is_valid():
            return self._page(request, service_request, status=422, sent=form)
        try:
            act(by=request.user, at=timezone.now(), **form.cleaned_data)
        except NotAllowed as error:
            return self._page(request, load(request, service_request.pk), status=409, refusal=str(error))
        messages.success(request, said)
        following = review.next_after(service_request) if goes_on else service_request
        if following is None:
            return redirect("admin:completion_review_changelist")
        return redirect("admin:completion_review_change", following.pk)

    def _page(self, request, service_request, *, status=200, refusal="", sent=None):
        current = {"version": service_request.version, "seen": services.fingerprint(service_request)}
        context = {
            **self.admin_site.each_context(request),
            "title": f"Demande {service_request.pk}",
            "opts": self.opts,
            "service_request": service_request,
            "completion": getattr(service_request, "completion", None),
            "current": current,
            "is_open": service_request.is_due_to_review,
            "refusal": refusal or " ".join(sent.non_field_errors() if sent else []),
            "requested": requested(service_request),
            "reported": reported(service_request),
            "attachments": service_request.attachments.current(),
            "revisions": review.revisions_of(service_request),
            "form": sent if isinstance(sent, ReturnForm) else ReturnForm(),
            "list_url": reverse("admin:completion_review_changelist"),
            **self._pay(request.user, service_request, sent),
        }
        return render(request, "admin/completion/review/page.html", context, status=status)

    def _pay(self, user, service_request, sent):
        """What is paid, and a form for each row that this validator may still decide."""
        pay, made = review.pay_of(service_request), review.communications_of(service_request)
        is_filer = service_request.filed_by_id == user.pk
        may_decide = service_request.is_due_to_review and not is_filer
        for row in made:
            row.form = _form(AcceptForm, row.communication, sent) if may_decide and not row.is_billable else None
        corrections = [] if is_filer else [_form(AdjustForm, line, sent) for line in review.correctable(pay)]
        return {"pay": pay, "communications": made, "corrections": corrections, "may_decide": may_decide}


def _named(rows, number: str):
    """The row a button names, or None."""
    return rows.filter(pk=keyset.number(number)).first()


def _form(kind, about, sent):
    """The form of a row: as it was sent when it is the one refused, blank otherwise."""
    return sent if isinstance(sent, kind) and sent.about == about else kind(about=about)
