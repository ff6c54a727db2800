from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import keyset, returns
from accounts import undelivered as posts
from accounts.delivery import Notification
from accounts.roles import Role
from accounts.topics import subject_of


@require_safe
def undelivered(request):
    """« Messages non remis », newest first."""
    _only_readers(request)
    instant, pk = keyset.read(request.GET.get("apres", ""))
    found = posts.page_after(instant, pk)
    page, last = found[: posts.PAGE], found[posts.PAGE - 1 :][:1]
    key = keyset.written(last[0].created_at, last[0].pk) if last else ""
    next_url = "?" + urlencode({"apres": key}) if len(found) > len(page) else ""
    emails = posts.emails_beside(page)
    rows = [_row(post, request.user, emails.get(post.dedupe_key)) for post in page]
    context = {"rows": rows, "next_url": next_url, "is_first": instant is None}
    return render(request, "accounts/undelivered.html", context)


@require_POST
def resend(request, pk: int):
    """« Renvoyer » one of them, from this list or from the page of the person; one comes back where one was."""
    _only_readers(request)
    post = get_object_or_404(Notification.objects.select_related("user"), pk=pk)
    try:
        posts.resend(post, by=request.user, at=timezone.now())
    except posts.NotResent:
        return render(request, "accounts/not_resent.html", {"subject": subject_of(post)}, status=409)
    messages.success(request, f"Le message à {post.user} part de nouveau. S’il n’arrive pas, il reviendra ici.")
    return redirect(returns.page_of(request) or "accounts:undelivered")


def _only_readers(request) -> None:
    if request.user.role not in posts.READERS:
        raise PermissionDenied


def _row(post: Notification, reader, email: Notification | None) -> dict:
    """A line of the page. Administrators open no request: they get no link to it."""
    return {
        "post": post,
        "email": email,
        "subject": subject_of(post),
        "path": post.context.get("path", "") if reader.role == Role.COORDINATOR else "",
        "may_resend": posts.may_resend(post),
    }
