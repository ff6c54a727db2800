"""Whatever is sent, the answer is a page: every form and parameter with what no person types (reliability, G6)."""

import random
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from django.urls import reverse

from ims import urls
from tests import counts, make
from tests.ims.test_pages import addresses, lived_in
from tests.pages import forms, nobody, signed_in

pytestmark = pytest.mark.django_db
NASTY = [
    *(
        "",
        " ",
        "\x00",
        "a\x00b",
        "\u202e\ufeff\u200b",
        "🧑‍⚕️",
        "\ud800".encode("utf-8", "surrogatepass"),
        b"\xff\xfe\x80",
        b"\xc0\xaf",
    ),
    *("0", "-1", "1e9", "1.5", "NaN", "Infinity", "9" * 19, "9" * 40, "9" * 5000, "٣", "²", "½", "0x10", "+5", " 7 "),
    *("0001-01-01", "9999-12-31", "2026-02-30", "2027-03-14", "10000-01-01", "-0001-01-01", "2024-W01-1", "20240101"),
    *("2:30", "24h", "0h", "23.59", "-1h", "99999999", "1 h 99", "999 j 999 h 9999", "12 h 1"),
    *(
        "2024-01-01T00:00:00+99:99_1",
        "9999-12-31T23:59:59+00:00_9",
        "0001-01-01T00:00:00-14:00_1",
        "_",
        "x_" + "9" * 30,
    ),
    *(
        "x" * 100_000,
        "é" * 4001,
        "\r\nBcc: a@b.c",
        "<script>alert(1)</script>",
        "{{ 7|add:7 }}",
        "{% now 'Y' %}",
        "%s%n",
    ),
    *(
        "' OR 1=1 --",
        "\\",
        "%",
        "_%",
        "../../etc/passwd",
        "javascript:alert(1)",
        "None",
        "null",
        "[]",
        "on",
        "unallocated",
    ),
    *(
        "Communications :\n1- 9999-12-31 23h59 Rappel",
        "1- 0001-01-01 0h00 " + "z" * 300,
        "1- 2027-03-14 2h30 Confirmation du rendez-vous",
    ),
]
NUMBERS = [0, 999_999_999, 2**31, 2**63 - 1, 2**63, 10**30]
# Names that no form has, or that belong to other forms: never read, or read with care.
STRAY = [
    *("status", "interpreter", "version", "pk", "note", "reason", "body", "to", "release", "ajouter", "a\x00"),
    "estimer",
    "maintenant",
    "reprendre",
]
PARAMETERS = [
    "vue",
    "statut",
    "du",
    "au",
    "mois",
    "borne",
    "suite",
    "numero",
    "apres",
    "institution",
    "nom",
    "next",
    "destinataire",
    "avant",
    "cherche",
    "messages",
]


def spoiled(fields, draw) -> list[tuple]:
    """The pairs a browser would send, one to three of them replaced by something nasty, doubled, left out, or added."""
    pairs = [(name, value) for name, given in fields.items() if given is not None for value in _each(given)]
    for _ in range(draw.randint(1, 3)):
        name = draw.choice([*fields, draw.choice(STRAY)])
        how = draw.choice(["replaced", "replaced", "replaced", "doubled", "left out"])
        if how != "doubled":
            pairs = [pair for pair in pairs if pair[0] != name]
        if how != "left out":
            pairs.append((name, draw.choice(NASTY)))
    return pairs


def _each(value):
    return value if isinstance(value, list) else [value]


def send(client, method, address, pairs) -> int:
    """What the page answers; what it wrote is undone. The client raises what would be a 500."""
    sent = urlencode(pairs).encode()
    with transaction.atomic():
        if method == "post":
            answer = client.post(address, sent, content_type="application/x-www-form-urlencoded")
        else:
            answer = client.get(f"{address.partition('?')[0]}?{sent.decode()}")
        transaction.set_rollback(True)
    return answer.status_code


def every_form() -> list[tuple]:
    """(client, address, form) of every page of every role."""
    found = []
    for user, listed in addresses(lived_in()).items():
        client = signed_in(user())
        for address in listed:
            page = client.get(address)
            found += [(client, form.action or address, form) for form in forms(page) if form.fields]
            if address.endswith("/achevement/"):
                found += [(client, f"{address}estimation/", form) for form in forms(page) if "key" in form.fields]
    return found


def test_no_form_can_be_filled_in_so_that_it_breaks():
    draw, known = random.Random(4711), every_form()
    for _ in range(counts.rounds("fuzz") // 2):
        client, address, form = draw.choice(known)
        assert send(client, form.method, address, spoiled(form.fields, draw)) < 500


def test_no_parameter_of_an_address_breaks_its_page():
    draw, known = (
        random.Random(4712),
        [(signed_in(u()), page) for u, pages in addresses(lived_in()).items() for page in pages],
    )
    known.append((nobody(), "/connexion/"))
    for _ in range(counts.rounds("fuzz") // 2):
        client, address = draw.choice(known)
        pairs = [(draw.choice(PARAMETERS), draw.choice(NASTY)) for _ in range(draw.randint(1, 4))]
        assert send(client, "get", address, pairs) < 500


def numbered():
    """Every address of ours that takes a number."""
    names = [f"{room}:{entry.name}" for room, known in _rooms() for entry in known if entry.pattern.converters]
    return sorted(names)


def _rooms():
    for entry in urls.urlpatterns:
        if getattr(entry, "namespace", None) in ("requests", "completion", "billing"):
            yield entry.namespace, entry.url_patterns


@pytest.mark.parametrize("name", numbered())
@pytest.mark.parametrize("is_served", [True, False])
def test_no_number_in_an_address_breaks_it(name, is_served):
    staff = make.validator if name.startswith("billing") else make.coordinator
    made, client = make.reserved(), signed_in(make.alice() if is_served else staff())
    wanted = next(
        entry for room, known in _rooms() for entry in known if f"{room}:{entry.name}" == name
    ).pattern.converters
    # A third of them at every run, others for each address; all of them with --long.
    turn = slice(None) if counts.is_long else slice(sum(name.encode()) % 3, None, 3)
    for number in NUMBERS[turn]:
        for first in (number, made.pk):
            address = reverse(name, kwargs=dict(zip(wanted, [first, number, "csv"], strict=False)))
            answers = {client.get(address).status_code, client.post(address, {"version": "1", "body": "x"}).status_code}
            assert max(answers) < 500


@pytest.mark.parametrize("page", ["/o/{}/{}/", "/calendrier/{}/{}.ics"])
def test_no_key_in_an_address_breaks_it(page):
    pk = [make.pending().offers.get().pk, make.feed().pk]["calendrier" in page]
    for key in NASTY:
        address = page.format(pk, quote(key[:500], safe=""))
        answers = {nobody().get(address).status_code, nobody().post(address, {"action": "accepter"}).status_code}
        assert answers <= {404, 405}


@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": "sessionid=\x01\x02; csrftoken=" + "é" * 50},
        {"cookie": "sessionid=" + "a" * 4000 + "; messages=x; ;;=;"},
        *(
            {"cookie": f"sessionid={given}; csrftoken={given}; trusted={given}; messages={given}"}
            for given in (
                '"\\000abcdefgh"',
                '"abcdefgh\\000"',
                '"\\377\\376abcdefgh"',
                "éééééééé",
                "'abcdefgh",
                "%00abcdefgh",
            )
        ),
        {"accept-language": "zz;q=9," * 500, "accept": "\x7f", "user-agent": ""},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "x-forwarded-for": "'"},
        {"hx-request": "true", "hx-history-restore-request": "x", "if-none-match": "*", "range": "bytes=-1"},
        {"content-type": "multipart/form-data"},
        {"content-type": "multipart/form-data; boundary=" + "b" * 500},
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_header_breaks_a_page(headers, method):
    client = signed_in(make.alice()) if "cookie" not in headers else nobody()
    assert getattr(client, method)("/connexion/", headers=headers).status_code < 500
    assert getattr(client, method)("/", headers=headers).status_code < 500


@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data; boundary=x", "application/json", "text/plain", "", "application/x-www-form-urlencoded"],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff" * 2000,
        b'--x\r\nContent-Disposition: form-data; name="a\x00"\r\n\r\n\xff\r\n--x',
        b"{}",
        b"&&&=&=;%zz%",
    ],
)
def test_no_body_breaks_a_page(kind, body):
    made = make.reserved()
    client = signed_in(make.alice())
    for address in (f"/demandes/{made.pk}/ecrire/", f"/demandes/{made.pk}/pieces/", "/connexion/"):
        assert client.post(address, body, content_type=kind).status_code < 500
