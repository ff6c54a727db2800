"""« Comptes »: created and invited at once, changed with notice to the former address, never deleted."""

from functools import partial

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone

from accounts import services
from accounts.account_forms import PLACED, AccountForm
from accounts.admin.access import VERBS, Verb, has_not_chosen_password
from accounts.admin.importing import import_accounts
from accounts.admin.roles import RoleAdmin, in_words
from accounts.french import NBSP, short_date
from accounts.models import Notification, User
from accounts.roles import Role

# One press invites no more people than this: each gets a message, and loses the password of the former one.
MOST_INVITED = 100
EVENTS_SHOWN = 20
_CONTACT = ("email", "mobile_phone")
_PLAIN = {"username", "first_name", "last_name", "role", "institution", "sms_disabled", "email_disabled"}
_PROFILE = {"institution", "languages", "home_latitude", "home_longitude"}


class HasSignedIn(admin.SimpleListFilter):
    title = "connexion"
    parameter_name = "connexion"

    def lookups(self, request, model_admin):
        return [("jamais", "Jamais connecté"), ("deja", "Déjà connecté")]

    def queryset(self, request, queryset):
        wanted = {"jamais": True, "deja": False}.get(self.value())
        return queryset if wanted is None else queryset.filter(last_login__isnull=wanted)


@admin.register(User)
class UserAdmin(RoleAdmin):
    view_roles = change_roles = frozenset({Role.ADMINISTRATOR})
    form = AccountForm
    list_display = ["username", "person", "role", "signed_in", "activity", "place"]
    list_filter = ["role", "is_active", HasSignedIn]
    list_select_related = ["institution", "interpreter_profile__home_institution"]
    list_per_page = 100
    search_fields = ["username", "last_name__unaccent", "first_name__unaccent", "email", "mobile_phone"]
    search_help_text = "Identifiant, nom, courriel ou cellulaire."
    actions = ["send_access_again"]

    def get_queryset(self, request):
        # The system's own account is not a person's: nobody edits it away.
        return super().get_queryset(request).exclude(role=Role.SYSTEM)

    def get_urls(self):
        """The list's import, and one page for each thing done to the access of one account."""
        own = [path("importer/", self.admin_site.admin_view(self._import), name="accounts_user_import")]
        for name, verb in VERBS.items():
            view = self.admin_site.admin_view(partial(self._act, verb=verb))
            own.append(path(f"<int:pk>/{verb.path}/", view, name=f"accounts_user_{name}"))
        return own + super().get_urls()

    # The list

    activity = in_words("is_active", "Compte", yes="actif", no="inactif")

    @admin.display(description="Nom", ordering="last_name")
    def person(self, user):
        return f"{user.last_name}, {user.first_name}"

    @admin.display(description="Établissement")
    def place(self, user):
        profile = getattr(user, "interpreter_profile", None)
        return profile.home_institution if profile else user.institution

    @admin.display(description="Dernière connexion", ordering="last_login", empty_value="jamais")
    def signed_in(self, user):
        return short_date(user.last_login) if user.last_login else None

    @admin.action(description="Renvoyer l’accès (à qui n’est jamais venu)", permissions=["change"])
    def send_access_again(self, request, queryset):
        """To those who never came in, whatever was ticked: the password of the others would die for nothing."""
        waiting = list(queryset.filter(last_login=None, is_active=True).exclude(email="")[: MOST_INVITED + 1])
        if len(waiting) > MOST_INVITED:
            messages.error(request, f"Choisissez {MOST_INVITED} comptes au plus à la fois. Rien n’a été envoyé.")
            return
        invited = sum(self._invited(request, user) for user in waiting)
        left = queryset.count() - invited
        said = f"Accès renvoyé à {_people(invited)}."
        if left:
            said += f" Rien n’est envoyé à {_people(left)}, dont le compte a déjà servi, est inactif ou sans courriel."
        (messages.success if invited else messages.warning)(request, said)

    def _invited(self, request, user) -> bool:
        try:
            services.invite(user, by=request.user, at=timezone.now())
        except services.Refused:  # closed meanwhile
            return False
        return True

    # One account

    def get_fieldsets(self, request, obj=None):
        sets = [
            ("Compte", {"fields": ["username", "first_name", "last_name", "role", *_place_of(obj)]}),
            ("Pour joindre la personne", {"fields": ["email", "mobile_phone"]}),
        ]
        if obj is None or obj.role == Role.INTERPRETER:
            said = "À remplir pour un interprète seulement." if obj is None else ""
            fields = ["languages", ("home_latitude", "home_longitude")]
            sets.append(("Interprète", {"fields": fields, "description": said}))
        if obj:
            sets.append(("Notifications", {"fields": ["sms_disabled", "email_disabled"]}))
        return sets

    def get_readonly_fields(self, request, obj=None):
        """One account has one role for life; only the person's own « START » undoes their « STOP ».

        One's own number and address are changed in the profile, where the password and a code are asked.
        """
        kept = [*super().get_readonly_fields(request, obj), *(["role"] if obj else [])]
        kept += _CONTACT if obj == request.user else []
        return [*kept, "sms_disabled"] if obj and obj.sms_stopped_at else kept

    def formfield_for_choice_field(self, db_field, request, **kwargs):
        if db_field.name == "role":
            kwargs["choices"] = [("", "---------"), *(choice for choice in Role.choices if choice[0] != Role.SYSTEM)]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context |= {"show_save_and_continue": False, "show_save_and_add_another": add}
        if obj:
            sent = Notification.objects.filter(user=obj, about=f"invitation:{obj.pk}").order_by("-id")
            context |= {
                "events": obj.events.select_related("by")[:EVENTS_SHOWN],
                "invitation": sent.first(),
                "is_their_own": obj.pk == request.user.pk,
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request, obj, form, change):
        act = {"by": request.user, "at": timezone.now()}
        if change:
            self._save_changes(request, obj, form, act)
        else:
            obj.pk = services.create_account(**form.account(), **act).pk
            obj.refresh_from_db()

    def _save_changes(self, request, user, form, act):
        """Only what was typed: the worker may be writing a password meanwhile. The former address is told."""
        changed = set(form.changed_data)
        contact = {name: form.cleaned_data[name] for name in _CONTACT if name in changed}
        for name in contact:
            setattr(user, name, form.former[name])
        user.save(update_fields=sorted(changed & _PLAIN))
        services.change_contact(user, **contact, **act)
        if user.role == Role.INTERPRETER and changed & _PROFILE:
            services.change_profile(user, **form.profile())
        # A password sent to a wrong address opens the account to whoever reads it there.
        if "email" in contact and user.is_active and has_not_chosen_password(user):
            services.invite(user, **act)
            messages.info(request, f"L’accès est renvoyé à {user.email}.")

    def response_add(self, request, obj, post_url_continue=None):
        messages.success(
            request,
            f"Le compte est créé\u00a0: {obj}. "
            f"L’identifiant et un mot de passe temporaire partent par courriel à {obj.email}.",
        )
        another = "_addanother" in request.POST
        return redirect("admin:accounts_user_add") if another else redirect("admin:accounts_user_change", obj.pk)

    def response_change(self, request, obj):
        messages.success(request, f"Le compte est enregistré\u00a0: {obj}.")
        return redirect("admin:accounts_user_change", obj.pk)

    # Its access

    def _import(self, request):
        if not self.has_add_permission(request):
            raise PermissionDenied
        return import_accounts(request, self.admin_site.each_context(request))

    def _act(self, request, pk, *, verb: Verb):
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        user = self.get_queryset(request).filter(pk=pk).first()
        if user is None:
            raise Http404
        try:
            verb.check(user, by=request.user)
            if request.method == "POST":
                verb.act(user, by=request.user, at=timezone.now())
                messages.success(request, verb.said.format(user=user))
                return redirect("admin:accounts_user_change", user.pk)
        except services.Refused as error:
            return self._confirm(request, user, verb, refusal=str(error))
        return self._confirm(request, user, verb)

    def _confirm(self, request, user, verb, *, refusal=""):
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb.label}\u00a0: {user}",
            "opts": self.opts,
            "account": user,
            "verb": verb,
            "refusal": refusal,
        }
        return render(request, "admin/accounts/user/confirm.html", context, status=409 if refusal else 200)


def _place_of(user) -> list[str]:
    return ["institution"] if user is None or user.role in PLACED else []


def _people(number: int) -> str:
    return "1 personne" if number == 1 else f"{number or 'aucune'}{NBSP}personne{'s' if number > 1 else ''}"
