"""The page « hors ligne »: nobody's, the same for all, with the form's own fields; and what it sends, kept once."""

import json

import pytest

from completion.models import Attachment
from requests_app import held
from requests_app.workflow import ServiceType
from tests import make
from tests.completion.make import image, provided, upload
from tests.make import HOUR, NOW, START
from tests.pages import ago, forms, nobody, said, signed_in

pytestmark = pytest.mark.django_db
ADDRESSES = ["/hors-ligne/", "/brouillons/"]


@pytest.fixture
def begun():
    return make.reserved(at=ago(9), starts_at=ago(1))


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_the_same_for_all_and_leaves_no_cookie(address, begun):
    pages = [client.get(address) for client in (nobody(), signed_in(make.alice()), signed_in(make.coordinator()))]
    assert {page.content for page in pages} == {nobody().get("/hors-ligne/").content}
    assert not pages[0].cookies


def test_it_names_nobody_and_no_request(begun):
    page = signed_in(make.alice()).get("/brouillons/").content.decode()
    assert [word for word in ("Alice", f"demandes/{begun.pk}", *make.PERSONAL.values()) if word in page] == []


def test_it_says_what_a_telephone_says(begun):
    page = nobody().get("/brouillons/")
    shown_by_script = ["Brouillon sur cet appareil, pas encore envoyé", "Envoyer maintenant"]
    assert [words for words in shown_by_script if words not in page.content.decode()] == []
    assert [words for words in ("Rien à envoyer.", "Service fourni", "Mise à jour") if words not in said(page)] == []


def test_its_fields_are_those_of_the_form_on_site(begun):
    real = forms(signed_in(make.alice()).get(f"/demandes/{begun.pk}/achevement/"))[0].fields
    blank = forms(nobody().get("/hors-ligne/"))[0].fields
    apart = {name for name in real if name.startswith("signature-")} | {"csrfmiddlewaretoken"}
    assert set(blank) == set(real) - apart


def test_it_proposes_nothing_of_any_request():
    fields = forms(nobody().get("/hors-ligne/"))[0].fields
    kept = {name: value for name, value in fields.items() if value and "_FORMS" not in name}
    assert kept == {}


def test_signing_out_clears_what_the_browser_keeps():
    answer = signed_in(make.alice()).post("/deconnexion/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'


# What a device may keep of a request


def test_a_device_keeps_of_a_request_nobody_nor_address_nor_reason():
    row = make.reserved(instructions=make.PERSONAL["instructions"])
    said = json.dumps(held.facts(row), ensure_ascii=False)
    assert [word for word in (*make.PERSONAL.values(), row.facility.address, "Alice") if word in said] == []
    assert set(held.facts(row)) == {"number", "version", "hours", "language", "place", "service"}


@pytest.mark.parametrize(
    ("before", "service", "is_kept"),
    [
        (49 * HOUR, ServiceType.ON_SITE, False),
        (48 * HOUR, ServiceType.ON_SITE, True),
        (-3 * HOUR, ServiceType.VIDEO, True),
        (HOUR, ServiceType.TRANSLATION, False),
    ],
)
def test_a_request_reserved_and_spoken_is_kept_from_48_hours_before(before, service, is_kept):
    row = make.reserved()
    row.service_type = service
    assert held.is_to_keep(row, at=START - before) is is_kept


def test_what_is_filed_is_kept_no_more():
    row = provided()
    row.refresh_from_db()
    assert json.loads(held.said([row], at=NOW)) == {"kept": [], "gone": [row.pk]}


@pytest.mark.parametrize("address", ["/", "/demandes/{}/"])
def test_the_home_and_the_page_of_a_request_say_what_to_keep(begun, address):
    page = signed_in(make.alice()).get(address.format(begun.pk)).content.decode()
    assert "data-held" in page and f"&quot;number&quot;:{begun.pk}" in page


def test_the_page_of_a_request_says_nothing_to_the_device_of_another(begun):
    assert "data-held" not in signed_in(make.coordinator()).get(f"/demandes/{begun.pk}/").content.decode()


# What is sent again


def test_a_file_sent_again_after_a_lost_answer_is_kept_once(begun):
    client, photo = signed_in(make.alice()), image()
    address, script = f"/demandes/{begun.pk}/pieces/", {"X-Requested-With": "XMLHttpRequest"}
    answers = [
        client.post(address, {"kind": "parking_receipt", "file": upload(photo)}, headers=script) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert Attachment.objects.count() == 1


def test_a_page_says_the_key_of_what_it_has_filed(begun):
    made = provided(starts_at=ago(3), at=ago(9))
    key = str(made.completion.revisions.get().key)
    for address in (f"/demandes/{made.pk}/", f"/demandes/{made.pk}/achevement/"):
        assert f'data-filed="{key}"' in signed_in(make.alice()).get(address).content.decode()
