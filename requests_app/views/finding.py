"""Finding an interpreter for a request: offers, one by one or in waves, and assignment."""

from django.http import Http404
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts import keyset
from accounts.french import hour
from accounts.roles import Role
from requests_app import offers, ranking, services, waves
from requests_app.board import left_words
from requests_app.choosing import FEW, MANY, Choosing, Typed, person_of
from requests_app.finding_forms import USUAL_SIZE, WAVES, AssignForm, OfferForm
from requests_app.moves import Stale, check_seen
from requests_app.sheet import area_of
from requests_app.views.access import load, only, refused, seen_version
from requests_app.views.steps import Refused, done, step
from requests_app.workflow import Action, NotAllowed

OFFER, ASSIGN = "requests_app/offer.html", "requests_app/assign.html"
# Whoever ticks more people than that wrote the form by hand.
MOST_TICKED = 100


def _people(request, service_request, field: str, **more) -> Choosing:
    """The people of this page, with what the coordinator typed and ticked on it so far."""
    sent = request.POST if request.method == "POST" else request.GET
    typed = Typed(
        name=sent.get("qui", "").replace("\x00", "").strip()[:100],
        ticked=frozenset(map(keyset.number, _chosen(sent, field))) - {0},
        confirmed=frozenset(sent.getlist("confirmed")[:MOST_TICKED]),
    )
    most = MANY if request.GET.get("montrer") == str(MANY) else FEW
    return Choosing(service_request=service_request, at=timezone.now(), most=most, typed=typed, **more)


def _chosen(sent, field: str) -> list[str]:
    """Who is ticked, and who is confirmed: « Je confirme » is one tick, not two."""
    confirmed = map(person_of, sent.getlist("confirmed")[:MOST_TICKED])
    return list(dict.fromkeys([*sent.getlist(field)[:MOST_TICKED], *confirmed]))


def _handed_in(request, field: str):
    """The form as it was sent, with whoever was chosen by « Je confirme » alone."""
    sent = request.POST.copy()
    sent.setlist(field, _chosen(sent, field))
    return sent


def _is_sent(request) -> bool:
    """Whether the form is handed in, rather than shown again with another search; a GET never is.

    « Entrée » presses the first button of the form, which looks for the name: only a press on « Envoyer » sends.
    """
    return request.method == "POST" and "revoir" not in request.POST


def _kept(request) -> dict:
    """What was typed, as it was, for a page that is only shown again."""
    return {name: text.replace("\x00", "") for name, text in request.POST.items()}


def _check_seen(request, service_request):
    """Somebody acted since the page was opened: that comes before whatever is wrong on it."""
    try:
        check_seen(service_request, seen_version(request) or None)
    except NotAllowed as error:
        raise Refused(service_request, error) from error


@step(Action.OFFER)
def offer(request, service_request):
    people = _people(request, service_request, "interpreters")
    given = {"people": people, "at": people.at, "service_request": service_request}
    if not _is_sent(request):
        return _choose(request, OFFER, service_request, OfferForm(initial=_kept(request), **given), people)
    _check_seen(request, service_request)
    form = OfferForm(_handed_in(request, "interpreters"), **given)
    if not form.is_valid():
        return _choose(request, OFFER, service_request, form, people, status=422)
    send = _begin_waves if form.cleaned_data.get("way") == WAVES else _offer
    return _sent(request, OFFER, service_request, form, people, send)


def _offer(request, service_request, form):
    chosen = form.cleaned_data["interpreters"]
    people = "1 interprète" if len(chosen) == 1 else f"{len(chosen)} interprètes"
    given = {name: form.cleaned_data[name] for name in ("answer_by", "version")}
    interpreters = [row.person for row in chosen]
    said = f"La demande est envoyée à {people}."
    return done(request, service_request, said, offers.offer, interpreters=interpreters, **given)


def _begin_waves(request, service_request, form):
    given = {name: form.cleaned_data[name] for name in ("size", "every_minutes", "answer_by", "version")}
    said = "La première vague est envoyée. Les suivantes partent d’elles-mêmes tant que personne n’a accepté."
    if form.data.getlist("interpreters"):
        said += " Elles suivent la liste\u00a0: les cases cochées n’ont pas compté."
    return done(request, service_request, said, waves.start, **given)


@step(Action.ASSIGN, Action.REASSIGN)
def assign(request, service_request):
    asked = service_request.offers.open_at(timezone.now()).values_list("interpreter", flat=True)
    people = _people(request, service_request, "interpreter", agreed=True, also=frozenset(asked))
    if not _is_sent(request):
        initial = {"version": service_request.version} | _kept(request)
        return _choose(request, ASSIGN, service_request, AssignForm(people=people, initial=initial), people)
    _check_seen(request, service_request)
    form = AssignForm(_handed_in(request, "interpreter"), people=people)
    if not form.is_valid():
        return _choose(request, ASSIGN, service_request, form, people, status=422)
    return _sent(request, ASSIGN, service_request, form, people, _assign)


def _assign(request, service_request, form):
    verb = services.reassign if service_request.interpreter_id else services.assign
    chosen = form.cleaned_data["interpreter"]
    given = {name: form.cleaned_data[name] for name in ("note", "version")}
    said = f"La demande est attribuée à {chosen.person}."
    return done(request, service_request, said, verb, interpreter=chosen.person, **given)


def _sent(request, template, service_request, form, people, send):
    """The verb; what it refuses of a person is said on the page, with all that was typed; a stale page is not kept."""
    try:
        return send(request, service_request, form)
    except Refused as refusal:
        if isinstance(refusal.error, Stale):
            raise
        form.add_error(None, str(refusal.error))
        return _choose(request, template, service_request, form, people, status=409)


def _choose(request, template, service_request, form, people, status=200):
    context = {
        "form": form,
        "choice": form["interpreters" if template == OFFER else "interpreter"],
        "holders": offers.holders(service_request, people.at) if template == OFFER else [],
        "first": people.first(_size_of(form)),
        "rules": ranking.rules(),
        "night": [hour(instant) for instant in (waves.QUIET_FROM, waves.QUIET_UNTIL)],
        "people": people,
        "service_request": service_request,
        "area": area_of(service_request),
        "left": left_words(service_request.starts_at, people.at),
        "has_begun": service_request.starts_at <= people.at,
        "waves": waves.running(service_request),
    }
    return render(request, template, context, status=status)


def _size_of(form) -> int:
    """How many the first wave would be, as typed; what is not a number is an error said beside it."""
    size = str(form["size"].value()) if "size" in form.fields else ""
    return keyset.number(size) or USUAL_SIZE


@require_POST
def retract(request, number, interpreter):
    only(request, Role.COORDINATOR)
    service_request = load(request, number)
    held = service_request.offers.filter(interpreter=interpreter).select_related("interpreter").first()
    if held is None:
        raise Http404
    try:
        return done(request, service_request, "L’offre est retirée.", offers.retract, interpreter=held.interpreter)
    except Refused as refusal:
        return refused(request, service_request, refusal.error)


@require_POST
def stop_waves(request, number):
    only(request, Role.COORDINATOR)
    service_request = load(request, number)
    said = "Les vagues sont arrêtées. Les offres déjà envoyées attendent encore leur réponse."
    try:
        return done(request, service_request, said, waves.stop)
    except Refused as refusal:
        return refused(request, service_request, refusal.error)
