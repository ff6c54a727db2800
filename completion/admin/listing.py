"""The validators' queue in the admin: what awaits validation, oldest first, and the clean files validated together."""

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst

from accounts import keyset
from accounts.admin import RoleAdmin
from accounts.french import duration, hour, km, money, short_date
from accounts.roles import Role
from billing.services import Tables
from completion import bulk, queue
from completion.admin import page
from completion.admin.filters import AgeFilter, AlertFilter, InterpreterFilter, RegionFilter, ReturnedFilter, counts_of
from completion.decisions import fingerprint
from completion.facts import presence_minutes
from completion.models import Outcome, Review

# What each line carries of its file: what was shown is what is validated.
SEEN = "vu_"
# Left aside, told one by one; beyond, how many.
TOLD = 10
# What a line says of a report that is not of a service rendered.
SHORT = {
    Outcome.CANCELLED: "annulée à la dernière minute",
    Outcome.PATIENT_ABSENT: "usager absent",
    Outcome.PROFESSIONAL_ABSENT: "professionnel(le) absent(e)",
    Outcome.CLAIM: "annulée, communications",
}


class QueueList(ChangeList):
    """One page of the queue, each row with its alerts and its amount: read for all of them together."""

    def get_results(self, request):
        super().get_results(request)
        self.result_list = list(self.result_list)
        awaiting = [row.pk for row in self.result_list if row.is_due_to_review]
        flags = queue.more_flags(awaiting, counts_of(request).flags)
        tables = Tables.read()
        for row in self.result_list:
            row.flags = flags.get(row.pk, [])
            row.is_clean = row.is_due_to_review and not row.flags and not queue.is_returned(row)
            row.is_clean = row.is_clean and not row.has_part(request.user)
            row.total = bulk.paid(row, tables)[0] if row.is_due_to_review else None
            row.seen = fingerprint(row, tables) if row.is_clean else ""
        self.clean_count = sum(row.is_clean for row in self.result_list)


@admin.register(Review)
class ReviewAdmin(RoleAdmin):
    """Validators only: they read, decide, validate, return and correct; nobody adds, edits or deletes here."""

    view_roles = change_roles = frozenset({Role.VALIDATOR})
    list_display = [
        "number",
        "date",
        "person",
        "kind",
        "done",
        "amount",
        "alerts",
    ]
    list_display_links = ["number"]
    list_filter = [AlertFilter, AgeFilter, ReturnedFilter, RegionFilter, InterpreterFilter]
    show_facets = admin.ShowFacets.NEVER
    list_per_page = list_max_show_all = bulk.MOST
    show_full_result_count = False
    sortable_by = ()
    empty_value_display = ""
    search_fields = ["=pk"]
    search_help_text = "Nom d’un(e) interprète, ou numéro d’une demande, à valider ou achevée."
    actions = ["validate_clean"]
    actions_selection_counter = True

    def has_add_permission(self, request):
        return False

    def get_actions(self, request):
        # Nobody deletes: the one action is ours.
        return {name: found for name, found in super().get_actions(request).items() if name in self.actions}

    def get_changelist(self, request, **kwargs):
        return QueueList

    def get_queryset(self, request):
        return queue.listed(queue.waiting())

    def get_search_results(self, request, queryset, search_term):
        """By number, a completed request too: its lines may be corrected. The filters have searched the names."""
        number = queue.number_in(search_term[: queue.LONGEST_SEARCH])
        return queue.listed(queue.numbered(number)) if number else queryset, False

    @admin.display(description="Demande")
    def number(self, row):
        return str(row.pk)

    @admin.display(description="Date")
    def date(self, row):
        return f"{short_date(row.starts_at)}, {hour(row.starts_at)}"

    @admin.display(description="Interprète")
    def person(self, row):
        return f"{row.interpreter}, {row.language.name}"

    @admin.display(description="Service")
    def kind(self, row):
        said = capfirst(row.get_service_type_display().removeprefix("Interprétation "))
        outcome = SHORT.get(getattr(row, "completion", None) and row.completion.outcome)
        more = "annulation tardive" if row.notice_received_at and not row.filed_by_id else outcome
        return f"{said}, {more}" if more else said

    @admin.display(description="Réalisé")
    def done(self, row):
        """« 1 h 30, 18,4 km, 1 pièce »: what there is of them."""
        completion = getattr(row, "completion", None)
        minutes = presence_minutes(completion) if completion else None
        way = completion.distance_km if completion else None
        pieces = sum(piece.interpreter_id == row.interpreter_id for piece in row.attachments.all())
        attached = f"{pieces}\u00a0pièce{'s' if pieces > 1 else ''}"
        known = [(minutes, duration), (way, km), (pieces, lambda _: attached)]
        return ", ".join(say(value) for value, say in known if value) or None

    @admin.display(description="Montant")
    def amount(self, row):
        return None if row.total is None else money(row.total)

    @admin.display(description="Alertes")
    def alerts(self, row):
        """The first in full, how many others; and a word for a file that nobody decides now."""
        said = []
        if not row.is_due_to_review:
            said.append(("quiet", row.get_status_display()))
        elif queue.is_returned(row):
            said.append(("quiet", f"Retournée le {short_date(row.completion.returned_at)}"))
        if row.flags:
            said.append(("flag", row.flags[0].sentence))
        if more := len(row.flags) - 1 if row.flags else 0:
            said.append(("quiet", "+\u00a01 autre" if more == 1 else f"+\u00a0{more} autres"))
        return format_html_join(" ", '<span class="{}">{}</span>', said) or None

    def action_checkbox(self, row):
        """Only a file without any alert can be chosen; its line carries what it shows."""
        if not row.is_clean:
            return ""
        seen = format_html('<input type="hidden" name="{}{}" value="{}">', SEEN, row.pk, row.seen)
        return super().action_checkbox(row) + seen

    def changelist_view(self, request, extra_context=None):
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if len(chosen) > bulk.MOST or not all(keyset.number(pk) for pk in chosen):
            return redirect(request.path)  # nothing that a page of ours sends
        if request.method == "POST" and not chosen:
            messages.warning(request, "Cochez au moins un dossier.")
            return redirect(request.get_full_path())
        counts = counts_of(request)
        shown = {"title": "À valider", "looked_at": queue.LOOKED_AT if counts.is_bounded else 0}
        return super().changelist_view(request, shown | {"waiting": counts} | (extra_context or {}))

    @admin.action(description="Valider les dossiers sans alerte choisis", permissions=["change"])
    def validate_clean(self, request, queryset):
        """A page that says what will be validated, then one POST from it. Not `queryset`: a filter may hide a file."""
        chosen = [keyset.number(pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)]
        seen = {pk: request.POST.get(f"{SEEN}{pk}", "") for pk in chosen}
        if "confirmer" not in request.POST:
            return self._confirm(request, seen)
        result = bulk.validate_all(seen, by=request.user, at=timezone.now())
        for level, said in told(result):
            messages.add_message(request, level, said)
        return redirect(request.get_full_path())

    def _confirm(self, request, seen):
        context = {
            **self.admin_site.each_context(request),
            "title": "Valider les dossiers choisis",
            "opts": self.opts,
            "preview": bulk.preview(seen, by=request.user, at=timezone.now()),
            "seen": seen,
            "list_url": request.get_full_path(),
        }
        return render(request, "admin/completion/review/confirm.html", context)

    def history_view(self, request, object_id, extra_context=None):
        """The admin's own history knows nothing of what is done here: the page of the file has the true one."""
        return redirect("admin:completion_review_change", object_id)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The review page stands at the admin's own address for a change."""
        return page.review(self, request, object_id)


def told(result: bulk.Result) -> list[tuple[int, str]]:
    """« 24 dossiers validés : Achevé. », then what was left aside, by number, with why."""
    said = []
    if number := len(result.done):
        words = "1 dossier validé" if number == 1 else f"{number}\u00a0dossiers validés"
        said.append((messages.SUCCESS, f"{words}\u00a0: Achevé."))
    if number := len(result.already):
        words = "1 dossier était déjà validé" if number == 1 else f"{number}\u00a0dossiers étaient déjà validés"
        said.append((messages.INFO, f"{words} par vous."))
    if number := len(result.aside):
        words = "1 laissé de côté" if number == 1 else f"{number}\u00a0laissés de côté"
        why = " ".join(f"Demande\u00a0{pk}\u00a0: {_lowered(reason)}" for pk, reason in result.aside[:TOLD])
        more = f" Et {number - TOLD} autres." if number > TOLD else ""
        said.append((messages.WARNING, f"{words}. {why}{more}"))
    return said


def _lowered(reason: str) -> str:
    return reason[:1].lower() + reason[1:]
