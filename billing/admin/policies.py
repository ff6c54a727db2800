"""« Politiques de rémunération »: a history that reads as one, drafts first, and a page for each with its steps."""

from datetime import timedelta
from functools import partial

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, OuterRef, Subquery, Value, When
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone

from accounts.roles import Role
from billing import stakes, tariff_words, tariffs
from billing.admin.policy_form import CopyForm, PolicyForm
from billing.admin.policy_steps import PAGE, PolicySteps
from billing.models import PayPolicy
from billing.tariff_words import WORDS, in_force, published_words, title_of
from billing.verbs import pay_verb
from requests_app.moves import Busy
from requests_app.workflow import NotAllowed

State = PayPolicy.State
TO_CONFIRM = "Tarifs à confirmer\u00a0: les montants marqués sont provisoires."
# Drafts first: they wait for somebody.
_WAITING_FIRST = Case(When(state=State.DRAFT, then=Value(0)), default=Value(1))
_NEXT = PayPolicy.objects.published().filter(effective_from__gt=OuterRef("effective_from")).order_by("effective_from")


@admin.register(PayPolicy)
class PayPolicyAdmin(PolicySteps):
    """Validators draft, by copying; administrators publish. What is published no longer changes here for anybody."""

    change_roles = frozenset({Role.VALIDATOR})
    form = PolicyForm
    list_display = ["in_force", "status", "rates", "drafted", "published", "is_confirmed"]
    list_select_related = ["drafted_by", "published_by"]
    fields = ["effective_from", *WORDS]
    ordering = [_WAITING_FIRST, "-effective_from", "-id"]
    sortable_by = ()
    actions = None

    def get_urls(self):
        steps = {"copy": "copier", "publish": "publier", "discard": "abandonner", "confirm": "confirmer"}
        views = {name: self.admin_site.admin_view(self._unless_gone(getattr(self, name))) for name in steps}
        own = [path(f"<int:pk>/{steps[name]}/", views[name], name=f"billing_paypolicy_{name}") for name in steps]
        return own + super().get_urls()

    def get_queryset(self, request):
        next_from = Subquery(_NEXT.values("effective_from")[:1])
        return super().get_queryset(request).annotate(next_from=next_from)

    def has_add_permission(self, request):
        # A new tariff is the copy of another.
        return False

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.state == State.DRAFT)

    # The list

    @admin.display(description="En vigueur")
    def in_force(self, policy):
        return in_force(policy)

    @admin.display(description="État")
    def status(self, policy):
        return policy.get_state_display()

    @admin.display(description="Durée de présence")
    def rates(self, policy):
        return tariff_words.summary(policy)

    @admin.display(description="Préparée par", empty_value="—")
    def drafted(self, policy):
        return policy.drafted_by

    @admin.display(description="Publiée", empty_value="—")
    def published(self, policy):
        return published_words(policy) or None

    @admin.display(description="Tarifs")
    def is_confirmed(self, policy):
        return "confirmés" if policy.rates_confirmed else "à confirmer"

    def changelist_view(self, request, extra_context=None):
        if PayPolicy.objects.published().filter(rates_confirmed=False).exists():
            messages.warning(request, TO_CONFIRM)
        return super().changelist_view(request, extra_context)

    # The page of one

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context |= {"show_save_and_continue": False, "show_save_and_add_another": False}
        # The form has put what is typed into its own object: the cards tell the row as it is stored.
        context |= self._shown(request, self._found(request, obj.pk))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _shown(self, request, policy) -> dict:
        former = stakes.before(policy)
        is_draft, is_published = policy.state == State.DRAFT, policy.state == State.PUBLISHED
        copied_from = timezone.localdate() + timedelta(days=1)
        return {
            "policy": policy,
            "seen": stakes.fingerprint(policy),
            "is_draft": is_draft,
            "is_past": is_draft and stakes.is_past(policy, at=timezone.now()),
            "title": title_of(policy),
            "subtitle": None,
            "words": tariff_words.words_of(policy),
            "former": former,
            "differences": tariff_words.differences(former, policy) if former else [],
            "published_words": published_words(policy),
            "may_edit": self.has_change_permission(request, policy),
            "may_draft": tariffs.may_draft(request.user),
            "may_publish": is_draft and tariffs.may_publish(request.user),
            "may_confirm": is_published and not policy.rates_confirmed and tariffs.may_publish(request.user),
            "copy_form": CopyForm(initial={"effective_from": copied_from}),
        }

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        form.refusal = getattr(request, "refusal", "")
        return form

    def save_model(self, request, obj, form, change):
        tariffs.edit(obj, by=request.user)

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        page = partial(super().changeform_view, request, object_id, form_url, extra_context)
        try:
            # Tried again as a whole: Django writes within a transaction of its own.
            return pay_verb(page)()
        except Busy as error:
            # The same page, with what was typed and why it is not kept.
            request.refusal = str(error)
            response = page()
            response.status_code = 409
            return response
        except (NotAllowed, PermissionDenied):
            if object_id is None or not tariffs.may_draft(request.user):
                raise
            # Published or abandoned while it was being typed.
            return self._gone(request)

    def _get_obj_does_not_exist_redirect(self, request, opts, object_id):
        if self._was_abandoned(object_id):
            return self._gone(request)
        return super()._get_obj_does_not_exist_redirect(request, opts, object_id)

    def response_change(self, request, obj):
        messages.success(request, "Le brouillon est enregistré. Un administrateur le publie.")
        return redirect(PAGE, obj.pk)
