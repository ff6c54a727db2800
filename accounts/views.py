from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import LoginForm


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request):
    if request.method != "POST":
        return render(request, "accounts/login.html", {"form": LoginForm(request)})
    form = LoginForm(request, request.POST)
    if not form.is_valid():
        return render(request, "accounts/login.html", {"form": form}, status=422)
    login(request, form.user)
    # Not redirect(): it would take a word for the name of a page.
    return HttpResponseRedirect(_safe_next(request))


@require_POST
def sign_out(request):
    logout(request)
    response = redirect("accounts:login")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _safe_next(request) -> str:
    target = request.GET.get("next", "/")
    ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if ours else "/"
