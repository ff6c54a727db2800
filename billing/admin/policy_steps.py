"""The steps of a tariff, each a button of its page: copied, abandoned, confirmed, published; and what is no longer."""

from django.contrib import messages
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods, require_POST

from accounts.admin import RoleAdmin
from accounts.french import short_date
from billing import stakes, tariffs
from billing.admin.policy_form import CopyForm, PublishForm
from billing.models import MILEAGE_MODES, PayPolicy
from billing.tariff_words import WORDS, title_of
from requests_app.moves import Stale
from requests_app.workflow import NotAllowed

State = PayPolicy.State
PAGE, LIST = "admin:billing_paypolicy_change", "admin:billing_paypolicy_changelist"


class PolicySteps(RoleAdmin):
    """Each is one POST from the page of a tariff, whose words (`_shown`) the class below gives."""

    @method_decorator(require_POST)
    def copy(self, request, pk):
        """« Copier en brouillon », from the date given."""
        policy = self._allowed(request, pk, tariffs.may_draft)
        form = CopyForm(request.POST)
        if not form.is_valid():
            context = self._page(request, policy) | {"copy_form": form}
            return render(request, "admin/billing/paypolicy/steps.html", context, status=422)
        try:
            draft = tariffs.draft_from(policy, by=request.user, at=timezone.now(), **form.cleaned_data)
        except NotAllowed as error:
            return self._refused(request, policy, error, copy_form=form)
        self.log_addition(request, draft, f"Copie\u00a0: {title_of(policy)}.")
        messages.success(request, "Le brouillon est prêt\u00a0: changez ce qui change, puis enregistrez.")
        return redirect(PAGE, draft.pk)

    @method_decorator(require_POST)
    def discard(self, request, pk):
        """« Abandonner le brouillon »."""
        policy = self._allowed(request, pk, tariffs.may_draft)
        try:
            tariffs.discard(policy, by=request.user)
        except NotAllowed as error:
            return self._refused(request, policy, error)
        self.log_deletions(request, [policy])
        messages.success(request, f"Le brouillon du {short_date(policy.effective_from)} est abandonné.")
        return redirect(LIST)

    @method_decorator(require_POST)
    def confirm(self, request, pk):
        """« Confirmer les tarifs »: they are the real ones."""
        policy = self._allowed(request, pk, tariffs.may_publish)
        try:
            tariffs.confirm_rates(policy, by=request.user)
        except NotAllowed as error:
            return self._refused(request, policy, error)
        self.log_change(request, policy, "Tarifs confirmés.")
        messages.success(request, "Les tarifs sont confirmés.")
        return redirect(PAGE, policy.pk)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def publish(self, request, pk):
        """A page that says what publishing does, then one POST from it, which carries what it showed."""
        policy = self._allowed(request, pk, tariffs.may_publish)
        if request.method != "POST":
            return self._publication(request, policy)
        at, seen = timezone.now(), request.POST.get("vu", "")
        found = stakes.publication(policy, at=at)
        ticked = PublishForm(request.POST, found=found)
        # What is no longer as it was read is told first.
        if not ticked.is_valid() and seen == found.seen:
            return self._publication(request, policy, publish_form=ticked, status=422)
        try:
            tariffs.publish(policy, by=request.user, at=at, seen=seen, **ticked.cleaned_data)
        except Stale as error:
            return self._publication(request, policy, str(error), status=409)
        except NotAllowed as error:
            return self._refused(request, policy, error)
        self.log_change(request, policy, "Publiée.")
        messages.success(request, "La politique est publiée.")
        return redirect(PAGE, policy.pk)

    def _publication(self, request, policy, refusal="", *, publish_form=None, status=200):
        if policy.state != State.DRAFT:
            return self._refused(request, policy, tariffs.GONE)
        found = stakes.publication(policy, at=timezone.now())
        context = self._page(request, policy) | {"publication": found, "refusal": refusal}
        context["publish_form"] = publish_form or PublishForm(found=found)
        return render(request, "admin/billing/paypolicy/publish.html", context, status=status)

    def _page(self, request, policy) -> dict:
        shared = self.admin_site.each_context(request)
        return {**shared, "opts": self.opts, "refusal": "", **self._shown(request, policy)}

    def _refused(self, request, policy, error, **typed):
        """409, on the page of the tariff as it stands now, with what was typed."""
        policy = self.get_queryset(request).filter(pk=policy.pk).first() or policy
        context = self._page(request, policy) | {"refusal": str(error)} | typed
        return render(request, "admin/billing/paypolicy/steps.html", context, status=409)

    def _allowed(self, request, pk, may) -> PayPolicy:
        if not may(request.user):
            raise PermissionDenied
        return self._found(request, pk)

    def _found(self, request, pk) -> PayPolicy:
        policy = self.get_queryset(request).select_related("drafted_by", "published_by").filter(pk=pk).first()
        if policy is None:
            raise Http404
        return policy

    # What is no longer

    def _unless_gone(self, step):
        def run(request, pk):
            try:
                return step(request, pk)
            except Http404:
                if self._was_abandoned(pk):
                    return self._gone(request)
                raise

        return run

    def _was_abandoned(self, pk) -> bool:
        kind = get_content_type_for_model(self.model)
        told = LogEntry.objects.filter(content_type=kind, action_flag=DELETION)
        return str(pk).isdecimal() and told.filter(object_id=str(pk)).exists()

    def _gone(self, request):
        """409: a draft no longer, with what was typed in it, and the way to the list."""
        labels = {"effective_from": "En vigueur le"} | {name: label for name, (label, _) in WORDS.items()}
        given = [(label, request.POST.get(name, "")) for name, label in labels.items()]
        typed = [(label, MILEAGE_MODES.get(value, value)) for label, value in given if value]
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Brouillon", "typed": typed}
        context["refusal"] = tariffs.GONE
        return render(request, "admin/billing/paypolicy/gone.html", context, status=409)
