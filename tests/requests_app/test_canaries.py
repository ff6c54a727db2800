"""Who finds what of which request (domain.md, « Privacy »): words planted once are looked for in all that each reads.

A reader finds all the words of a group that the table gives them, and not one of another: a search that finds nothing
fails as surely as a leak does.
"""

import logging
import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import transaction
from django.urls import get_resolver, reverse
from django.utils import timezone

from accounts.devices import Channel
from accounts.drawn import draw
from accounts.mail import email_for, text_of_sms
from accounts.models import Institution, Language, Notification, User
from accounts.roles import Role
from accounts.worker import deliver_due
from completion.models import Completion
from requests_app import feed, offers, services
from requests_app.answers import address_of
from requests_app.models import CancellationReason, Facility, Offer, ServiceRequest
from tests import counts, make
from tests.completion import make as filed
from tests.pages import ago, ahead, nobody, signed_in

pytestmark = pytest.mark.django_db

# N: number, hour, language · S: « secteur » · E: institution · A: place · X: exact address · F: professional ·
# T: their telephone · P: patient · C: instructions. Who is shown the place needs no « secteur ». Alice is offered each
# request, or holds it; Bob is who has it after her, or who lost it to her; Rita asked for it, Otto is of another
# institution.
TABLE = """
state         alice    bob      charlie otto  rita     corinne  valère adèle
offered       NS       -        -       -     NEAXFTPC NEAXFTPC NS     -
lapsed        -        -        -       -     NEAXFTPC NEAXFTPC NS     -
refused       -        NS       -       -     NEAXFTPC NEAXFTPC NS     -
taken         N        NEAXFTPC -       -     NEAXFTPC NEAXFTPC NS     -
retracted     N        -        -       -     NEAXFTPC NEAXFTPC NS     -
called_off    N        -        -       -     NEAXFTPC NEAXFTPC NS     -
reserved      NEAXFTPC N        -       -     NEAXFTPC NEAXFTPC NS     -
modified      NEAXFTPC N        -       -     NEAXFTPC NEAXFTPC NS     -
provided      NEAXFTPC -        -       -     NEAXFTPC NEAXFTPC NSEA   -
completed     NEAXFTPC -        -       -     NEAXFTPC NEAXFTPC NSEA   -
kept          NEAXFTPC -        -       -     NEAXFTPC NEAXFTPC NSEA   -
old           NS       -        -       -     NEAXFTPC NEAXFTPC NSEA   -
cancelled     NS       -        -       -     NEAXFTPC NEAXFTPC NS     -
withdrawn     -        -        -       -     NEAXFTPC NEAXFTPC NS     -
released      N        -        -       -     NEAXFTPC NEAXFTPC NS     -
reassigned    N        NEAXFTPC -       -     NEAXFTPC NEAXFTPC NS     -
"""
_, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
STATES = [row[0] for row in ROWS]
READERS = TABLE.split()[1:9]
TABLE_OF = dict(zip(READERS, list(zip(*ROWS, strict=True))[1:], strict=True))


# What is planted


def word(kind: str, state: str) -> str:
    return f"{kind}-{state}-xq"


def planted(state: str) -> dict:
    """The words of a request by group, as they are looked for."""
    index = STATES.index(state)
    return {
        "N": [f"{881100 + index}", f"10 h {41 + index}", word("langue", state)],
        "S": [word("secteur", state)],
        "E": [word("institut", state)],
        "A": [word("pavillon", state)],
        "X": [word("rue", state)],
        "F": [word("dre", state)],
        "T": [f"514-555-7{index:03}"],
        "P": [word("usager", state), f"438-555-7{index:03}", f"DX-77{index:03}".lower()],
        "C": [word("porte", state)],
    }


def asked(state: str, starts_at) -> dict:
    """The fields of a request whose every word is its own."""
    words, chum = planted(state), make.institution()
    point = {"latitude": chum.latitude, "longitude": chum.longitude, "region": chum.region}
    institution = Institution.objects.create(name=words["E"][0], head_office_address="Siège", **point)
    place = dict(zip(("name", "address", "area"), [*words["A"], *words["X"], *words["S"]], strict=True))
    names = ["professional_name", "professional_phone", "patient_name", "patient_phone", "patient_file_number"]
    people = dict(zip([*names, "instructions"], [*words["F"], *words["T"], *words["P"], *words["C"]], strict=True))
    return people | {
        "id": words["N"][0],
        "institution": institution,
        "facility": Facility.objects.create(institution=institution, **place, **point),
        "language": Language.objects.create(code=word("langue", state), name=word("langue", state)),
        "starts_at": starts_at.replace(hour=10, minute=41 + STATES.index(state)),
        "by": make.person(f"Rita-{state}", Role.REQUESTER, institution=institution),
    }


def lately():
    """What happened more than a day ago is never sent: this was an hour ago, whatever the hour of the test."""
    return timezone.now() - make.HOUR


def coming(state: str, *people, starts_at=None, answer_by=None):
    """A request offered two days ago, or five days before a start that has passed."""
    starts_at = starts_at or ahead(14 + STATES.index(state))
    at, fields = min(ago(2), starts_at - timedelta(days=5)), asked(state, starts_at)
    for who in (make.alice(), make.bob()):  # some are given the request later, by telephone
        who.interpreter_profile.languages.add(fields["language"])
    return make.pending(*people, at=at, answer_by=answer_by, **fields)


def held(state: str, *others, starts_at=None, **more):
    """Accepted by Alice as soon as it was offered."""
    made = coming(state, make.alice(), *others, starts_at=starts_at, **more)
    offers.accept(made, by=make.alice(), at=min(ago(2), made.starts_at - timedelta(days=3)))
    return made


def offered(state):
    coming(state, make.alice())


def lapsed(state):
    coming(state, make.alice(), answer_by=lately())


def refused(state):
    offers.refuse(coming(state, make.alice(), make.bob()), by=make.alice(), at=lately())


def taken(state):
    offers.accept(coming(state, make.alice(), make.bob()), by=make.bob(), at=lately())


def retracted(state):
    offers.retract(coming(state, make.alice()), make.alice(), by=make.coordinator(), at=lately())


def _cancel(made):
    services.cancel(made, by=made.requested_by, at=lately(), reason=CancellationReason.BY_REQUESTER)


def called_off(state):
    _cancel(coming(state, make.alice()))


def reserved(state):
    held(state, make.bob())


def modified(state):
    made, by = coming(state, make.bob()), make.coordinator()
    offers.accept(made, by=make.bob(), at=ago(2))
    services.reassign(made, make.alice(), by=by, at=lately(), note="Entente")
    services.modify(made, by=by, at=lately(), note="Entente", ends_at=made.ends_at + make.HOUR)


def _file(state, made):
    """With a comment that says whom, where they are reached and with whom: hidden from whoever may not know."""
    words = planted(state)
    filed.report(made, comments=", ".join([*words["P"], *words["F"], *words["T"]]))


def provided(state):
    _file(state, held(state, starts_at=ago(3)))


def completed(state, days=4):
    made = held(state, starts_at=ago(days))
    _file(state, made)
    services.validate(made, by=make.validator(), at=made.ends_at + 2 * make.HOUR)


def kept(state):
    completed(state, days=88)


def old(state):
    completed(state, days=92)


def cancelled(state):
    _cancel(held(state))


def withdrawn(state):
    services.mark_unallocated(held(state), by=make.alice(), at=lately())


def released(state):
    services.mark_unallocated(held(state), by=make.coordinator(), at=lately(), note="Erreur")


def reassigned(state):
    services.reassign(held(state), make.bob(), by=make.coordinator(), at=lately(), note="Entente")


# What each finds


def reader(name: str, state: str):
    """Who reads; of each request's institution, the person who asked for it."""
    builders = {"alice": make.alice, "bob": make.bob, "charlie": make.charlie, "otto": make.other_requester}
    builders |= {"corinne": make.coordinator, "valère": make.validator, "adèle": make.administrator}
    return builders[name]() if name in builders else make.person(f"Rita-{state}", Role.REQUESTER)


def said(answer) -> str:
    """All that an answer carries: headers, then the page or the file, with plain spaces, in small letters."""
    headers = " ".join(f"{name}: {value}" for name, value in answer.items())
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return " ".join(unescape(f"{headers} {body.decode()}").split()).lower()


PHONE = {"user-agent": "Mozilla/5.0 (iPhone) Mobile/15E148"}
STAFF_LISTS = {
    "corinne": ["/bi/", *(f"/bi/demandes/?statut={status}" for status in make.BUILDERS)],
    "valère": ["/admin/", "/admin/completion/review/"],
    "adèle": ["/admin/"],
}


def lists(client, name: str) -> str:
    """What a person finds without naming a request: each list, in each status, on a desk and on a phone."""
    own = ["/?vue=tous&du=2024-11-04", "/?vue=a-venir", *(f"/?statut={status}" for status in make.BUILDERS)]
    addresses = STAFF_LISTS.get(name, own)
    read = " ".join(said(client.get(page)) for page in addresses) + said(client.get("/", headers=PHONE))
    # A filter offers every language of the bank: it says nothing of a request.
    return re.sub(r'<select[^>]*name="langue".*?</select>', "", read)


def addresses(number: str) -> list[tuple]:
    """(name, address) of all ours that names a request, with the admin's; another number is the first of its kind."""
    found = [("review", f"/admin/completion/review/{number}/change/"), ("numero", f"/bi/demandes/?numero={number}")]
    for _, room in get_resolver().namespace_dict.values():
        for entry in room.url_patterns:
            converters = getattr(entry.pattern, "converters", {})
            if "number" in converters:
                values = {name: number if name == "number" else 1 for name in converters}
                found.append((entry.name, reverse(f"{room.app_name}:{entry.name}", kwargs=values)))
    return found


def pages(client, number: str, sent: dict, closed: set) -> str:
    """What every page of one request answers, opened, and sent when there is something to send.

    `closed` keeps what is closed to the reader's role on any request (403, 405): asked once.
    """
    texts = []
    for name, address in addresses(number):
        for method in ("get", "post") if sent else ("get",):
            if (name, method) in closed:
                continue
            with transaction.atomic():
                answer = getattr(client, method)(address, sent if method == "post" else None)
                transaction.set_rollback(True)
            texts.append(said(answer).replace(quote(address), "").replace(address, ""))  # its number was ours
            if answer.status_code in (403, 405):
                closed.add((name, method))
    return " ".join(texts)


def found(words: dict, text: str) -> dict:
    """How many words of each group are there."""
    return {group: [word for word in known if word.lower() in text] for group, known in words.items()}


FOUND = {}
ANSWERED = {}


@pytest.fixture
def told(db):
    """The world of the table, made again for a test of its own."""
    for state in STATES:
        globals()[state](state)


@pytest.fixture
def world(db, request):
    """{(state, reader): what they find, group by group}; read once for the whole table."""
    if not FOUND:
        request.getfixturevalue("told")
        logging.disable(logging.WARNING)  # a refusal is said in the log each time
        for name in READERS:
            read_all(name)
        logging.disable(logging.NOTSET)
    return FOUND


def read_all(name: str) -> None:
    """What this reader finds of each request; whoever has no verb there only opens the pages."""
    listed, closed = {}, set()
    versions = dict(ServiceRequest.objects.values_list("pk", "version"))
    for state in STATES:
        user, words = reader(name, state), planted(state)
        number, client = words["N"][0], signed_in(user)
        if user.pk not in listed:
            listed[user.pk] = lists(client, name)
        typed = {"version": versions[int(number)], "body": "Bonjour", "reason": "x"}
        if name not in ("alice", "bob", "valère") and not counts.is_long:
            # Whoever may read everything, or has nothing to do with the request: test_doors knocks at every page.
            closed |= {(page, "get") for page, _ in addresses(number) if page != "detail"}
        answered = pages(client, number, typed if name in ("alice", "bob") else {}, closed)
        ANSWERED[state, name] = answered
        FOUND[state, name] = found(words, f"{listed[user.pk]} {answered}")


@pytest.mark.parametrize("row", ROWS, ids=STATES)
def test_each_finds_what_the_table_gives_them_and_nothing_else(world, row):
    wrong = {}
    for name, groups in zip(READERS, row[1:], strict=True):
        for group, words in planted(row[0]).items():
            seen = world[row[0], name][group]
            is_same = seen == (words if group in groups else []) or (group == "S" and "A" in groups)
            if not is_same:
                wrong[name, group] = seen
    assert wrong == {}


LOST = [row[0] for row in ROWS if "S" not in row[1] and "A" not in row[1]]


@pytest.mark.parametrize("state", LOST)
def test_the_pages_of_a_lost_request_say_that_it_is_gone_and_nothing_of_it(world, state):
    text = ANSWERED[state, "alice"]
    assert [group for group, words in found(planted(state), text).items() if words] == []
    assert "cette demande n’est plus disponible." in text


# The receipt: a printed page travels. Its number, its place while the reader knows it; never who was there.
PAPER = """
state     alice corinne valère
provided  NA    NA      NS
old       NS    NA      NS
"""


@pytest.mark.parametrize("row", [line.split() for line in PAPER.strip().splitlines()[1:]], ids=lambda row: row[0])
def test_a_receipt_gives_each_what_the_table_says_and_nobody_the_patient(db, row):
    state, words = row[0], planted(row[0])
    globals()[state](state)
    Completion.objects.update(comments=f"Pour {words['P'][0]}, {words['P'][1]}, dossier {words['P'][2]}.")
    wrong = {}
    for name, groups in zip(PAPER.split()[1:4], row[1:], strict=True):
        text = said(signed_in(reader(name, state)).get(f"/demandes/{words['N'][0]}/achevement/recu/"))
        seen = "".join(group for group, known in found(words, text).items() if known)
        if seen != groups or "[usager]" not in text:
            wrong[name] = seen
    assert wrong == {}


# The search


def hits(client, text: str) -> list[str]:
    """The requests in the list that a search gives."""
    page = client.get("/", {"vue": "tous", "du": "2024-11-04", "cherche": text}).content.decode()
    return re.findall(r'<a class="row[^>]*href="/demandes/(\d+)/"', page)


def test_a_search_finds_by_what_the_person_may_read_and_by_nothing_else(told):
    client, wrong = signed_in(make.alice()), {}
    for state, groups in zip(STATES, TABLE_OF["alice"], strict=True):
        is_listed = "S" in groups or "A" in groups
        readable = groups.replace("A", "AS") if is_listed else ""
        asked_of = planted(state) if is_listed else {group: planted(state)[group] for group in "NAP"}
        for group, words in asked_of.items():
            # An hour is not searched: the number is, and the language.
            for text in [words[0], words[-1]] if group == "N" else words[:1]:
                is_found = planted(state)["N"][0] in hits(client, text)
                must = is_listed and group in groups and group in "NSA"
                if (is_found and group not in readable) or (must and not is_found):
                    wrong[state, text] = is_found
    assert wrong == {}


# Without a session


def test_the_link_of_an_offer_shows_an_offer_and_nothing_once_it_is_over(told):
    wrong = {}
    for offer in Offer.objects.select_related("service_request", "interpreter"):
        state = STATES[offer.service_request_id - 881100]
        is_open = offer.state == Offer.State.OPEN and offer.answer_by > timezone.now()
        answer = nobody().get(address_of(offer))
        seen = found(planted(state), said(answer).replace(planted(state)["N"][0], ""))
        groups = "".join(group for group, words in seen.items() if words)
        if (answer.status_code, groups) not in ([(200, "NS")] if is_open else [(410, ""), (200, "")]):
            wrong[state, offer.interpreter.username] = answer.status_code, groups
    assert wrong == {}


def test_a_calendar_says_of_ones_own_requests_neither_whom_nor_where(told):
    answer = nobody().get(feed.address_of(make.feed()).removeprefix(settings.BASE_URL))
    text = answer.content.decode().replace("\r\n ", "").lower()  # a long line goes on after a space
    seen = {state: {group for group, words in found(planted(state), text).items() if words} for state in STATES}
    own = {"reserved", "modified", "provided", "completed", "cancelled"}  # the others are not hers, or too old
    assert {state: groups for state, groups in seen.items() if groups} == dict.fromkeys(own, {"N", "S"})


# What leaves the house


def every_message() -> list[tuple]:
    """(channel, topic, text) of all that was ever written to anybody, sent or not."""
    texts = []
    for row in Notification.objects.select_related("user"):
        drawn = draw(row)
        if drawn is None:
            continue  # an offer that is over: the worker sends nothing
        if row.channel == Channel.SMS:
            texts.append((row.channel, row.topic, text_of_sms(row, drawn)))
        else:
            letter = email_for(row, drawn)
            texts.append((row.channel, row.topic, f"{letter.subject} {letter.body} {letter.alternatives[0].content}"))
    return [(channel, topic, " ".join(unescape(text).split()).lower()) for channel, topic, text in texts]


def test_no_message_says_whom_or_where(told):
    User.objects.filter(role=Role.INTERPRETER).update(mobile_phone="+15145550123")
    written, leaks = every_message(), []
    for state in STATES:
        for channel, topic, text in written:
            # The e-mail of an offer says the « secteur »; a text message shows on a locked screen (reliability, I4).
            may = "NS" if (channel, topic) == (Channel.EMAIL, "offered") else "N"
            seen = {group for group, words in found(planted(state), text).items() if words}
            leaks += [(state, channel, topic, group) for group in seen - set(may)]
    assert leaks == []
    assert {topic for _, topic, _ in written} >= {
        "offered",
        "offer_gone",
        "removed",
        "cancelled",
        "changed",
        "assigned",
    }


def test_what_providers_receive_says_neither_whom_nor_where(told, twilio, smtp):
    User.objects.filter(role=Role.INTERPRETER).update(mobile_phone="+15145550123")
    sendable = Notification.objects.filter(state=Notification.State.DUE)
    sendable.update(due_at=timezone.now())
    while deliver_due():
        pass
    texts = [text["body"] for text in twilio.received] + [content.decode() for _, content in smtp.received]
    texts = " ".join(" ".join([*texts, *smtp.texts()]).split()).lower()
    seen = {group for state in STATES for group, words in found(planted(state), texts).items() if words}
    assert (seen - {"S"}, sendable.count()) == ({"N"}, 0)
