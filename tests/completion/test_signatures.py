"""Signatures: optional, typed or drawn, replaced until Achevé, seen by those the report concerns (ruling 7)."""

import io

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from completion import decisions, revisions, services, signatures
from completion.models import Outcome, Signature
from completion.uploads import Rejected
from requests_app import services as requests
from requests_app.workflow import NotAllowed, ServiceType
from tests import make
from tests.completion import make as filed
from tests.completion.test_views import form
from tests.make import HOUR, START
from tests.pages import ago, form_with, press, said, signed_in

pytestmark = pytest.mark.django_db
END = START + make.LENGTH
LATER = END + 2 * HOUR


def stored() -> set:
    return set(default_storage.listdir("signatures")[1]) if default_storage.exists("signatures") else set()


def bytes_of(row) -> bytes:
    with default_storage.open(row.drawing.name) as kept:
        return kept.read()


# The rules


def test_whoever_may_file_gathers_a_signature():
    made = filed.provided()
    for who in (make.alice(), make.coordinator()):
        row = filed.signed(made, by=who, name="Dre Roy", signer="professional", drawing=False)
        assert (row.name, row.by, row.revision, row.drawing.name) == ("Dre Roy", who, 1, "")


def test_nobody_else_signs():
    made = filed.provided()
    for who in (make.bob, make.requester, make.validator):
        with pytest.raises(NotAllowed):
            filed.signed(made, by=who())


def completed():
    made = filed.provided()
    decisions.validate(made, by=make.validator(), at=LATER)
    return made


def relay():
    made = make.reserved()
    make.communication(made)
    return requests.mark_unallocated(made, by=make.alice(), at=make.NOW + HOUR)


@pytest.mark.parametrize("build", [make.reserved, make.cancelled, completed, relay])
def test_what_was_not_filed_or_is_over_is_not_signed_and_leaves_no_file(build):
    made, before = build(), stored()
    with pytest.raises(NotAllowed):
        filed.signed(made, at=LATER)
    assert (stored(), Signature.objects.exists()) == (before, False)


def test_a_second_signature_replaces_the_first_and_its_file(django_capture_on_commit_callbacks):
    made, before = filed.provided(), stored()
    with django_capture_on_commit_callbacks(execute=True):
        filed.signed(made)
        filed.signed(made, name="Alice N.")
    row = made.completion.signatures.get()
    assert (row.name, stored() - before) == ("Alice N.", {row.drawing.name.partition("/")[2]})


def test_a_drawing_is_drawn_again_without_what_it_carried():
    content = filed.image("PNG", size=(300, 90)) + b"<script>alert(1)</script>"
    row = filed.signed(filed.provided(), drawing=filed.upload(content, "signature.png"))
    kept = bytes_of(row)
    assert b"script" not in kept and Image.open(io.BytesIO(kept)).size == (300, 90)


def test_what_is_no_drawing_is_refused_and_leaves_no_file():
    made, before = filed.provided(), stored()
    for content in (filed.image("JPEG"), filed.pdf(), b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"):
        with pytest.raises(Rejected):
            filed.signed(made, drawing=filed.upload(content, "signature.png"))
    assert stored() == before


def test_a_correction_says_what_was_signed():
    made = filed.provided()
    filed.signed(made)
    assert "correction" not in read_by(make.alice(), made)[0].when
    filed.report(made, at=LATER + HOUR, comments="Corrigé")
    assert read_by(make.alice(), made)[0].when.endswith(", avant la correction du 6\u00a0mars\u00a02025")


def test_what_was_signed_of_a_later_revision_stays():
    made = filed.provided()
    filed.report(made, at=LATER, comments="Corrigé")
    before = filed.signed(made, at=LATER, revision=2)
    filed.signed(made, at=LATER + HOUR, revision=1, name="Autre")
    row = made.completion.signatures.get()
    assert (row.revision, row.name, stored() >= {before.drawing.name.partition("/")[2]}) == (2, "Alice", True)


def read_by(user, made, *, at=LATER):
    """The signatures as this person reads them on a page."""
    made = type(made).objects.select_related("completion").get(pk=made.pk)
    return signatures.signed(revisions.read(made)[1], made, user, at=at)


@pytest.mark.parametrize(
    ("user", "late", "named"),
    [(make.alice, 1, True), (make.alice, 91 * 24, False), (make.validator, 1, False)],
)
def test_an_interpreter_reads_the_professional_no_longer_than_the_request(user, late, named):
    made = filed.provided()
    filed.signed(made, signer="professional", name="Dre Roy")
    decisions.validate(made, by=make.validator(), at=LATER)
    (row,) = read_by(user(), made, at=LATER + late * HOUR)
    assert (row.name, row.has_drawing) == (("Dre Roy", True) if named else ("", False))


# The pages


def begun(**fields):
    made = make.reserved(at=ago(9), starts_at=ago(3), **fields)
    filed.report(made, at=made.ends_at)
    return made


def address_of(made, name="sign", **more):
    return reverse(f"completion:{name}", kwargs={"number": made.pk, **more})


TICKED = {"signature-interpreter-is_confirmed": "on", "signature-interpreter-name": "Alice Nom-de-Alice"}
PEOPLE = {"interpreter": "Alice Nom-de-Alice", "professional": make.PERSONAL["professional_name"]}


def report_of(made, **fields) -> dict:
    """A report as a browser sends it, of the hours booked."""
    start, end = (f"{timezone.localtime(instant):%Hh%M}" for instant in (made.starts_at, made.ends_at))
    return form(made, **{"start_time": start, "end_time": end} | fields)


def test_one_tick_each_signs_with_the_names_already_known():
    made, client = begun(), signed_in(make.alice())
    ticks = {f"signature-{signer}-is_confirmed": "on" for signer in PEOPLE}
    press(client, address_of(made), "Enregistrer la signature", **ticks)
    assert dict(made.completion.signatures.values_list("signer", "name")) == PEOPLE
    page = said(client.get(f"/demandes/{made.pk}/"))
    assert all(f": {name} signée le" in page for name in PEOPLE.values())


def test_what_is_missing_is_said_beside_its_field():
    wrong = [({}, "is_confirmed"), ({"name": "Dre Autre"}, "is_confirmed")]
    wrong += [({"name": name, "is_confirmed": "on"}, "name") for name in ("", "x" * 121, "a\x00b")]
    made, client, found = begun(), signed_in(make.alice()), []
    for typed, field in wrong:
        given = {"version": made.version} | {f"signature-interpreter-{name}": value for name, value in typed.items()}
        page = client.post(address_of(made), given)
        found.append((page.status_code, f'id="id_signature-interpreter-{field}_error"' in page.content.decode()))
    assert (found, made.completion.signatures.exists()) == ([(422, True)] * 5, False)


def test_a_signature_goes_with_the_report():
    made, client = make.reserved(at=ago(9), starts_at=ago(3)), signed_in(make.alice())
    given = {"is_rendered": "oui", "signature-interpreter-is_confirmed": "on"}
    answer = press(client, f"/demandes/{made.pk}/achevement/", "Calculer", **given)
    assert (answer.status_code, made.completion.signatures.get().revision) == (302, 1)


def test_a_report_sent_again_after_a_correction_signs_what_its_signer_saw():
    made, client = make.reserved(at=ago(9), starts_at=ago(3)), signed_in(make.alice())
    sent = report_of(made) | TICKED
    client.post(address_of(made, "edit"), sent)
    made.refresh_from_db()
    filed.report(made, by=make.coordinator(), at=timezone.now(), note="Dicté", waiting_minutes=20)
    answer = client.post(address_of(made, "edit"), sent)
    row = made.completion.signatures.get()
    assert (answer.status_code, made.completion.revisions.count(), row.revision) == (302, 2, 1)


def test_a_page_of_signature_opened_before_a_correction_signs_nothing_and_keeps_what_was_typed():
    made, client = begun(), signed_in(make.alice())
    opened = form_with(client.get(address_of(made)), "Enregistrer la signature")
    filed.report(made, by=make.coordinator(), at=timezone.now(), note="Dicté", waiting_minutes=20)
    page = opened.send(client, address_of(made), **TICKED, **{"signature-professional-name": "Dre Tapée"})
    assert (page.status_code, made.completion.signatures.exists()) == (409, False)
    assert "relisez-la, puis signez de nouveau" in said(page) and "Dre Tapée" in page.content.decode()
    again = form_with(page, "Enregistrer la signature").send(client, address_of(made))
    assert again.status_code == 422  # the second name has no tick yet
    ticked = form_with(again, "Enregistrer la signature")
    ticked.send(client, address_of(made), **{"signature-professional-is_confirmed": "on"})
    assert set(made.completion.signatures.values_list("name", "revision")) == {
        (PEOPLE["interpreter"], 2),
        ("Dre Tapée", 2),
    }


def test_a_stale_report_keeps_the_names_that_sign_and_says_that_a_drawing_is_lost():
    made, client = make.reserved(at=ago(9), starts_at=ago(3)), signed_in(make.alice())
    drawn = {"signature-professional-drawing": filed.upload(filed.image("PNG"), "signature.png")}
    sent = report_of(made, version=made.version + 7) | drawn | {"signature-professional-name": "Dre Tapée"}
    page = client.post(address_of(made, "edit"), sent)
    assert page.status_code == 409 and "Nom du (de la) professionnel(le) Dre Tapée" in said(page)
    assert "Signez de nouveau dans le cadre." in said(page) and "la pièce jointe" not in said(page)
    resumed = form_with(page, "Reprendre ma saisie").send(client, address_of(made, "edit"), reprendre="1")
    assert 'value="Dre Tapée"' in resumed.content.decode()


def test_a_drawing_is_said_lost_with_a_report_that_is_refused():
    made, client = make.reserved(at=ago(9), starts_at=ago(3)), signed_in(make.alice())
    drawn = {"signature-interpreter-drawing": filed.upload(filed.image("PNG"), "signature.png")}
    page = client.post(address_of(made, "edit"), report_of(made, distance_km="loin") | drawn)
    assert page.status_code == 422 and said(page).count("Votre dessin n’a pas été gardé") == 1


def test_a_service_cancelled_keeps_no_signature_of_the_page_that_hides_it():
    made, client = make.reserved(at=ago(9), starts_at=ago(3)), signed_in(make.alice())
    sent = report_of(made, is_rendered="non", what_happened="cancelled") | TICKED
    answer = client.post(address_of(made, "edit"), sent | {"signature-interpreter-name": ""})
    assert (answer.status_code, made.completion.signatures.exists()) == (302, False)
    assert 'class="block signature if-present"' in client.get(address_of(made, "edit")).content.decode()


def test_a_drawing_that_is_none_loses_no_report():
    made, client = make.reserved(at=ago(9), starts_at=ago(3)), signed_in(make.alice())
    given = {"is_rendered": "oui", "signature-interpreter-drawing": filed.upload(b"GIF89a", "signature.png")}
    answer = press(client, f"/demandes/{made.pk}/achevement/", "Calculer", **given)
    assert (answer.status_code, made.completion.revision, made.completion.signatures.exists()) == (302, 1, False)


def test_a_service_nobody_attends_proposes_no_signature():
    made = make.reserved(at=ago(9), starts_at=ago(3), service_type=ServiceType.TRANSLATION)
    page = signed_in(make.alice()).get(f"/demandes/{made.pk}/achevement/")
    assert (page.status_code, "Signature" in said(page)) == (200, False)


def test_a_claim_neither_proposes_a_signature_nor_names_anybody():
    page = signed_in(make.alice()).get(f"/demandes/{make.cancelled().pk}/achevement/")
    assert "Signature" not in said(page) and PEOPLE["professional"] not in page.content.decode()


def test_a_drawing_is_served_as_an_image_that_runs_nothing_and_is_kept_by_nobody():
    made = begun()
    row = filed.signed(made, at=timezone.now())
    answer = signed_in(make.validator()).get(address_of(made, "signature", pk=row.pk))
    names = ("Content-Type", "X-Content-Type-Options", "Content-Security-Policy", "Cache-Control")
    assert [answer[name] for name in names] == [
        "image/png",
        "nosniff",
        "default-src 'none'; sandbox",
        "private, no-store",
    ]
    assert "inline" in answer["Content-Disposition"] and b"".join(answer) == bytes_of(row)


def test_a_typed_signature_a_lost_file_and_another_request_have_no_drawing():
    made, other, client = begun(), make.reserved(at=ago(9), starts_at=ago(5)), signed_in(make.alice())
    typed = filed.signed(made, at=timezone.now(), drawing=False)
    lost = filed.signed(made, at=timezone.now(), signer="professional")
    default_storage.delete(lost.drawing.name)
    found = [(made, typed.pk), (made, lost.pk), (other, lost.pk), (made, 10**15)]
    assert {client.get(address_of(each, "signature", pk=pk)).status_code for each, pk in found} == {404}


def test_an_outcome_without_service_is_signed_too():
    made = make.reserved(at=ago(9), starts_at=ago(3))
    services.file(made, by=make.alice(), at=made.ends_at + HOUR, outcome=Outcome.CANCELLED)
    assert filed.signed(made, drawing=False).revision == 1
