"""One request where people typed the patient and the professional in every free text, read by each who opens it.

Each door has a word of its own: a page that does not show the door would find nothing there, and prove nothing.
"""

from decimal import Decimal
from html import unescape

import pytest
from django.utils import timezone

from billing.ledger import adjust
from completion import decisions
from requests_app import exchanges
from requests_app.models import ServiceRequest
from tests import make
from tests.completion import make as filed
from tests.make import HOUR
from tests.pages import ago, signed_in

pytestmark = pytest.mark.django_db
PATIENT = ["vandemoortele", "ulric", "438 555 0142", "dx 774411"]
PROFESSIONAL = ["quanteau", "514.555.0177"]
REPORT = {"avant", "apres", "precision", "demandeur", "motif", "acceptee", "piece", "signataire"}
NOTES = {"dicte", "retour"}
PAPER = REPORT - {"acceptee"} | {"ajout"}
REVIEW = REPORT | NOTES | {"ajout", "message"}
PAGES = {"": REPORT | {"ajout"}, "achevement/": REPORT, "achevement/recu/": PAPER, "pieces/": {"piece"}}


def typed(door: str) -> str:
    return f"xq{door} VANDEMOORTELE, Ulric 438 555 0142 DX 774411 Dre Quanteau 514.555.0177"


def everywhere():
    """Filed 95 days ago, corrected by the coordination, with a signature of each, a line added, and sent back."""
    made, at, valere = make.reserved(at=ago(99), starts_at=ago(95)), ago(94), make.validator()
    row = filed.row(made.starts_at - HOUR, purpose="other", purpose_text=typed("precision"))
    row |= {"requested_by_name": typed("demandeur"), "justification": typed("motif")}
    filed.attach(made, at=at, name=f"{typed('piece')}.jpg")
    filed.report(made, at=at, comments=typed("avant"))
    given = {"note": typed("dicte"), "comments": typed("apres"), "communications": [row]}
    filed.report(made, by=make.coordinator(), at=at, **given)
    filed.signed(made, at=at, name=typed("signataire"))
    filed.signed(made, at=at, signer="professional", name="xqprofessionnel Dre Quanteau")
    exchanges.post_message(made, by=make.alice(), at=at, body=typed("message"))
    made.communications.update(accepted_by=valere, accepted_at=at, accepted_reason=typed("acceptee"))
    decisions.add_line(made, by=valere, at=at, amount=Decimal(5), reason=typed("ajout"))
    decisions.return_for_correction(made, by=valere, at=at, reason=typed("retour"))
    return made


def text(page) -> str:
    return " ".join(unescape(page.content.decode()).split()).lower()


def told(read: str, words) -> list[str]:
    return [word for word in words if word in read]


def missing(read: str, doors) -> list[str]:
    return [door for door in sorted(doors) if f"xq{door}" not in read]


def review_of(made) -> str:
    return f"/admin/completion/review/{made.pk}/change/"


def test_a_validator_reads_all_that_was_typed_and_nobody_served():
    made, client, wrong = everywhere(), signed_in(make.validator()), {}
    refused = {"version": 1, "seen": "x", "mark": "1-0-0-0", "retourner": "1", "reason": "x"}
    pages = {"review": (client.get(review_of(made)), REVIEW)}
    pages["refused"] = (client.post(review_of(made), refused), REVIEW)
    pages |= {name: (client.get(f"/demandes/{made.pk}/{name}"), doors) for name, doors in PAGES.items()}
    for name, (page, doors) in pages.items():
        read = text(page)
        if found := [*told(read, [*PATIENT, *PROFESSIONAL, "xqprofessionnel"]), *missing(read, doors)]:
            wrong[name] = found
    assert wrong == {}
    changed = pages["refused"][0].context["changed"]
    assert changed["newer"] and changed["since"] and changed["steps"]


def test_its_interpreter_reads_all_of_it_and_prints_no_patient():
    made, client, wrong = everywhere(), signed_in(make.alice()), {}
    for name, doors in {"": PAGES[""] | {"retour"}, "achevement/recu/": PAPER}.items():
        read = text(client.get(f"/demandes/{made.pk}/{name}"))
        hidden, shown = (PATIENT, PROFESSIONAL) if name else ([], PATIENT + PROFESSIONAL)
        if told(read, hidden) or told(read, shown) != shown or missing(read, doors | {"professionnel"}):
            wrong[name] = told(read, hidden), told(read, shown), missing(read, doors)
    assert wrong == {}


def test_ninety_days_after_acheve_what_was_typed_no_longer_names_anybody():
    made, client, wrong = everywhere(), signed_in(make.alice()), {}
    decisions.validate(made, by=make.validator(), at=ago(92))
    for name, doors in PAGES.items():
        read, doors = text(client.get(f"/demandes/{made.pk}/{name}")), doors | ({"message"} if not name else set())
        if found := [*told(read, [*PATIENT, *PROFESSIONAL, "xqprofessionnel"]), *missing(read, doors)]:
            wrong[name] = found
    assert wrong == {}


def test_the_coordination_reads_everybody():
    read = text(signed_in(make.coordinator()).get(f"/demandes/{everywhere().pk}/"))
    assert missing(read, REPORT | NOTES | {"ajout", "message", "professionnel"}) == []
    assert told(read, PATIENT + PROFESSIONAL) == PATIENT + PROFESSIONAL


def test_the_ledger_names_nobody_to_a_validator():
    made, valere = everywhere(), make.validator()
    decisions.validate(made, by=valere, at=timezone.now())
    line = ServiceRequest.objects.get(pk=made.pk).pay_lines.first()
    adjust(line, by=valere, at=timezone.now(), amount=Decimal(5), reason=typed("correction"))
    client, last = signed_in(valere), made.pay_lines.last()
    for address in ("/admin/billing/payline/", f"/admin/billing/payline/{last.pk}/change/"):
        read = text(client.get(address))
        kept = {"acceptee"} if "change" in address else set()
        assert (told(read, PATIENT + PROFESSIONAL), missing(read, {"correction", "ajout"} | kept)) == ([], [])
