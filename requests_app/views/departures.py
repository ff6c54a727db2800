"""« Désactiver un compte »: an administrator reads what the person holds, says why, and confirms once."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.french import NBSP
from accounts.models import User
from accounts.roles import Role
from requests_app.departures import duties_of, release_and_deactivate
from requests_app.forms import DepartureForm
from requests_app.views.access import only
from requests_app.workflow import NotAllowed


@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request, pk):
    only(request, Role.ADMINISTRATOR)
    user = get_object_or_404(User.objects.exclude(role=Role.SYSTEM), pk=pk)
    try:
        services.check_closable(user, by=request.user)
        form = DepartureForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return _close(request, user, form.cleaned_data)
    except services.Refused as error:
        return _page(request, user, refusal=str(error), is_closable=False, status=409)
    except NotAllowed as error:
        return _page(request, user, form=form, refusal=str(error), status=409)
    return _page(request, user, form=form, status=422 if request.method == "POST" else 200)


def _close(request, user, given):
    done = release_and_deactivate(user, by=request.user, at=timezone.now(), **given)
    released = f" {_words(done.released)}." if done.released else ""
    messages.success(request, f"Le compte de {user} est désactivé.{released}")
    return redirect("admin:accounts_user_change", user.pk)


def _words(number: int) -> str:
    return "1 demande est libérée" if number == 1 else f"{number}{NBSP}demandes sont libérées"


def _page(request, user, *, status, form=None, refusal="", is_closable=True):
    """What the person holds now, whatever the form that was sent had listed; its reason stays typed."""
    context = {
        "form": form or DepartureForm(),
        "account": user,
        "duties": duties_of(user, at=timezone.now()),
        "refusal": refusal,
        "is_closable": is_closable,
    }
    return render(request, "requests_app/deactivate.html", context, status=status)
