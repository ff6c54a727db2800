"""« Modèles de message »: coordinators keep them, see one filled in, and start a message from one."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Role
from requests_app import exchanges
from requests_app import message_templates as texts
from requests_app.forms import MessageForm
from requests_app.message_template_forms import MessageTemplateForm
from requests_app.models import MessageTemplate
from requests_app.views.access import load, only, refused
from requests_app.views.messages import shown_as_new
from requests_app.views.steps import form_page
from requests_app.views.threads import thread_named, threads
from requests_app.workflow import NotAllowed

# More than anybody reads through; a page lists no more.
MOST = 200


@require_safe
def message_templates(request):
    only(request, Role.COORDINATOR)
    rows = list(MessageTemplate.objects.select_related("changed_by").order_by("audience", "name")[:MOST])
    return render(request, "requests_app/message_templates.html", {"groups": _by_audience(rows)})


def _by_audience(rows) -> list[tuple[str, list]]:
    groups = [(kind.label, [row for row in rows if row.audience == kind]) for kind in texts.Audience]
    return [(label, held) for label, held in groups if held]


@form_page
def new_template(request):
    only(request, Role.COORDINATOR)
    return _edit(request, None)


@form_page
def message_template(request, pk):
    only(request, Role.COORDINATOR)
    template = MessageTemplate.objects.select_related("changed_by").filter(pk=pk).first()
    if template is None and "seen" in request.POST:
        return _removed(request)
    if template is None:
        raise Http404
    return _edit(request, template)


def _edit(request, template):
    if request.method != "POST":
        return _page(request, template, MessageTemplateForm(template=template))
    form = MessageTemplateForm(request.POST, template=template)
    if not form.is_valid():
        return _page(request, template, form, status=422)
    if "apercu" in request.POST:
        return _page(request, template, form, preview=texts.fill(form.cleaned_data["body"], texts.sample()))
    try:
        texts.save(template, by=request.user, at=timezone.now(), **form.cleaned_data)
    except texts.Changed:
        return _changed(request, template)
    except NotAllowed as error:
        form.add_error("name", str(error))
        return _page(request, template, form, status=422)
    messages.success(request, "Le modèle est sauvegardé.")
    return redirect("requests:message_templates")


def _changed(request, template):
    """409: the text of the other person beside what was typed, which a second press saves in its place."""
    current = MessageTemplate.objects.select_related("changed_by").filter(pk=template.pk).first()
    if current is None:
        return _removed(request)
    form = MessageTemplateForm(request.POST.dict() | {"seen": current.changed_at.isoformat()}, template=current)
    return _page(request, current, form, status=409, other=current)


def _removed(request):
    """409: what was typed on a template that is no more, to save as a new one."""
    form = MessageTemplateForm(request.POST.dict() | {"seen": ""})
    return _page(request, None, form, status=409, is_removed=True)


def _page(request, template, form, *, status=200, **shown):
    context = {"form": form, "template": template, "variables": texts.VARIABLES, **shown}
    return render(request, "requests_app/message_template.html", context, status=status)


@require_POST
def remove_template(request, pk):
    only(request, Role.COORDINATOR)
    template = get_object_or_404(MessageTemplate, pk=pk)
    texts.remove(template, by=request.user)
    messages.success(request, f"Le modèle «\u00a0{template}\u00a0» est supprimé.")
    return redirect("requests:message_templates")


@form_page
def use_template(request, number):
    """A message to one side of a request, and the templates to start it from; nothing is written before « Envoyer ».

    What was typed comes along (`body`), and a template is added after it.
    """
    only(request, Role.COORDINATOR)
    service_request = load(request, number)
    if request.method != "POST" and "fil" not in request.GET:
        # The address alone, as a browser keeps it, says to whom no longer.
        return redirect("requests:detail", number)
    thread = thread_named(threads(service_request, request.user), request.POST.get("to", request.GET.get("fil", "")))
    if thread is None:
        raise Http404
    if thread.is_closed:
        return refused(request, service_request, NotAllowed(exchanges.LOST))
    return _chooser(request, service_request, thread)


def _chooser(request, service_request, thread):
    rows = _filled(service_request, thread)
    typed = request.POST.get("body", "").replace("\x00", "").replace("\r\n", "\n")
    asked = request.POST.get("modele", request.GET.get("modele"))
    chosen = next((text for row, text in rows if str(row.pk) == asked), "")
    form = _message(thread, texts.with_text(typed, chosen))
    context = {
        "service_request": service_request,
        "thread": thread,
        "form": form,
        "shown": ",".join(map(str, shown_as_new(request))),
        "templates": rows,
    }
    return render(request, "requests_app/use_template.html", context, status=422 if form.errors else 200)


def _filled(service_request, thread) -> list[tuple[MessageTemplate, str]]:
    """The templates for that side, each with its text for the request."""
    values = texts.values_of(service_request, thread.side, at=timezone.now())
    rows = MessageTemplate.objects.filter(audience=texts.audience_of(thread.side))[:MOST]
    return [(row, texts.fill(row.body, values)) for row in rows]


def _message(thread, body) -> MessageForm:
    """The message so far; checked only once it is too long to be sent."""
    is_too_long = len(body) > texts.LONGEST
    given = {"purpose": f"message{thread.key}", "label": thread.label}
    form = MessageForm({"body": body}, **given) if is_too_long else MessageForm(initial={"body": body}, **given)
    form.fields["body"].widget.attrs["rows"] = 12
    return form
