"""The pictures of the help and of the README, taken again by `python3 run.py test --screenshots`.

Everything is dated from one Tuesday of 2026, so that a picture changes only with its page. The people are invented.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from django.conf import settings as house
from django.db import connection
from django.utils import timezone
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from accounts.models import User
from requests_app import exchanges, services
from requests_app.models import Facility
from requests_app.workflow import ServiceType
from tests import make
from tests.billing import make as pay
from tests.completion import make as filed
from tests.journeys.conftest import MOBILE
from tests.make import HOUR

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.screenshots]
FOLDER = house.BASE_DIR / "static" / "help"
NOW = make.local("2026-03-10 10:20")
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 700}
# Where the numbers of the requests begin: « Demande 1 » would look like nobody's.
FIRST_NUMBER = 20410
# A telephone's pixels are finer; at one a pixel its words would be blurred.
FINENESS = 1.5
MOST_BYTES = 40 * 1024
MARGIN = 16
# Debian's chromium speaks English alone: dates as a browser of here writes them.
DATES = """() => document.querySelectorAll("input[type=date]").forEach((input) => {
  const typed = input.value;
  Object.assign(input, {type: "text", size: 11, placeholder: "aaaa-mm-jj", value: typed});
})"""
NAMES = {
    "alice": ("Noémie", "Lafrenière"),
    "bob": ("Octavio", "Bergeron"),
    "charlie": ("Huguette", "Sirois"),
    "rita": ("Mireille", "Gingras"),
    "corinne": ("Thierry", "Desrosiers"),
    "valère": ("Sylvette", "Paradis"),
}
PEOPLE = {
    "professional_name": "Dre Odile Marchand",
    "professional_phone": "514-555-0123",
    "patient_name": "M. T.",
    "patient_phone": "514-555-0145",
    "patient_file_number": "A-2041",
    "instructions": "Se présenter à l’accueil du deuxième étage.",
}


@pytest.fixture(autouse=True)
def that_day(monkeypatch, settings):
    """The server's clock, which runs in this process; and no link of the demo, which nobody else sees."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    settings.DEMO = False


@pytest.fixture
def look(visit):
    """Open a page of somebody as it is that Tuesday, by the light of day, on a desk or a telephone."""

    def open_page(user, address, *, phone=False):
        screen = {"viewport": PHONE, "user_agent": MOBILE, "device_scale_factor": FINENESS} if phone else {}
        page = visit(user, "about:blank", **({"viewport": DESK} | screen), color_scheme="light")
        page.clock.set_fixed_time(NOW)
        page.goto(address, wait_until="networkidle")
        return page

    return open_page


def take(page, name: str, *shown: str) -> None:
    """Keep what the window shows, or the band of the page that holds these selectors, as a light WebP."""
    page.mouse.move(0, 0)
    page.evaluate(DATES)
    window = page.viewport_size
    if shown:
        # All of it at once: nothing that stays at the foot of a window is left across the middle.
        page.set_viewport_size(window | {"height": page.evaluate("document.documentElement.scrollHeight") + 400})
    given = {"clip": around(page, shown)} if shown else {}
    image = Image.open(BytesIO(page.screenshot(animations="disabled", caret="hide", **given))).convert("RGB")
    page.set_viewport_size(window)
    kept = lightest(image)
    assert len(kept) <= MOST_BYTES, f"{name}: {len(kept)} bytes"
    (FOLDER / f"{name}.webp").write_bytes(kept)


def around(page, shown) -> dict:
    """The part of the page that holds them all, with a margin."""
    boxes = [page.locator(selector).first.bounding_box() for selector in shown]
    left, top = (max(min(box[edge] for box in boxes) - MARGIN, 0) for edge in ("x", "y"))
    right = min(max(box["x"] + box["width"] for box in boxes) + MARGIN, page.viewport_size["width"])
    bottom = max(box["y"] + box["height"] for box in boxes) + MARGIN
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def lightest(image: Image.Image) -> bytes:
    """Words stay sharp without loss; as many colours as the weight allows, and few are seen to be missing."""
    for colours in (256, 128, 64, 48, 32, 24):
        kept = BytesIO()
        few = image.quantize(colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.convert("RGB").save(kept, "WEBP", method=6, lossless=True, quality=100)
        if kept.tell() <= MOST_BYTES:
            break
    return kept.getvalue()


# The world that is pictured


def at(text: str) -> datetime:
    """« 03-12 09:00 » of that year."""
    return make.local(f"2026-{text}")


def named() -> User:
    """Everybody with a name that reads well; the interpreter of the pictures."""
    for give in (make.alice, make.bob, make.charlie, make.requester, make.coordinator, make.validator):
        person = give()
        person.first_name, person.last_name = NAMES[person.username]
        person.email, person.mobile_phone = f"{person.username}@exemple.test", "+15145550132"
        person.save()
    for person in (make.alice(), make.bob(), make.requester()):  # else each page invites them to do so
        make.protected(person)
    return make.alice()


def place(name: str, address: str, area: str, latitude: str, longitude: str) -> Facility:
    made = make.facility(name)
    made.address, made.area, made.latitude, made.longitude = address, area, Decimal(latitude), Decimal(longitude)
    made.save()
    return made


@pytest.fixture
def world(transactional_db, monkeypatch) -> dict:
    """A week of an interpreter, with a request in each status."""
    monkeypatch.setattr(make, "PERSONAL", PEOPLE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('requests_app_servicerequest_id_seq', %s)", [FIRST_NUMBER])
    named()
    clinic = place("Clinique de la Rive-Nord", "120, boulevard des Ormes", "Repentigny", "45.6100", "-73.4600")
    centre = place("Clinique du Vieux-Marché", "18, place du Marché", "Ville-Marie", "45.5140", "-73.5530")
    booked = {"at": at("02-20 09:00")}
    made = {"pending": make.pending(make.alice(), facility=clinic, **hours("03-16 13:00"), at=at("03-09 15:00"))}
    made["video"] = make.pending(service_type=ServiceType.VIDEO, **hours("03-18 09:30"), at=at("03-09 16:00"))
    made["reserved"] = make.reserved(
        facility=clinic, are_communications_requested=True, **hours("03-13 13:00"), **booked
    )
    made["next"] = make.reserved(facility=centre, **hours("03-19 10:00"), **booked)
    made["modified"] = modified(centre)
    made["due"] = make.reserved(facility=clinic, are_communications_requested=True, **hours("03-10 08:30"), **booked)
    made["provided"] = make.reserved(facility=clinic, **hours("03-06 09:00"), **booked)
    filed.report(made["provided"], distance_km=Decimal("18.4"), parking_amount=Decimal("14"))
    made["cancelled"] = make.reserved(facility=centre, **hours("03-11 15:00"), **booked)
    services.cancel(made["cancelled"], by=make.requester(), at=at("03-09 11:00"), reason="by_requester")
    return made


def hours(start: str, length: timedelta = 1.5 * HOUR) -> dict:
    return {"starts_at": at(start), "ends_at": at(start) + length}


def modified(facility):
    made = make.reserved(facility=facility, **hours("03-17 14:00"), at=at("02-20 09:00"))
    later = hours("03-17 15:00")
    services.modify(made, by=make.coordinator(), at=at("03-09 09:00"), note="Entente par téléphone.", **later)
    return made


def of(made, rest="") -> str:
    return f"/demandes/{made.pk}/{rest}"


def receipt() -> dict:
    """A parking receipt, drawn."""
    paper = Image.new("RGB", (360, 480), "white")
    pen = ImageDraw.Draw(paper)
    for line, text in enumerate(["STATIONNEMENT", "2026-03-10  08:12", "Durée 2 h", "Total 14,00 $"]):
        pen.text((40, 60 + 80 * line), text, fill="black", font_size=32)
    drawn = BytesIO()
    paper.save(drawn, "JPEG")
    return {"name": "stationnement.jpg", "mimeType": "image/jpeg", "buffer": drawn.getvalue()}


# The pictures


def test_signing_in(world, look):
    take(look(None, "/connexion/"), "connexion", ".page-head", "main .split")
    take(look(make.charlie(), "/connexion/protection/", phone=True), "protection")
    page = look(None, "/connexion/")
    page.get_by_label("Identifiant").fill(make.bob().username)
    page.get_by_label("Mot de passe").fill(make.PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("heading", name="Code de vérification")).to_be_visible()
    take(page, "code", ".page-head", "main .split")


def test_the_home_of_an_interpreter(world, look):
    take(look(make.alice(), "/"), "accueil")
    page = look(make.alice(), "/?vue=a-venir", phone=True)
    take(page, "telephone-accueil")
    page.get_by_role("button", name="Statut et période").click()
    take(page, "statut-et-periode")
    take(look(make.alice(), "/profil/"), "profil", ".page-head", ".compare > section", "#notifications")


def test_answering_an_offer_and_a_change(world, look):
    take(look(make.alice(), of(world["pending"])), "offre")
    take(look(make.alice(), of(world["modified"])), "modification")


def test_writing_and_withdrawing(world, look):
    made = world["reserved"]
    exchanges.post_message(made, by=make.alice(), at=at("03-09 14:05"), body="Bonjour, où se trouve l’accueil?")
    answer = "Au deuxième étage, près de l’ascenseur. Merci!"
    exchanges.post_message(made, by=make.coordinator(), at=at("03-09 14:20"), body=answer, interpreter=make.alice())
    make.communication(made, made_at=at("03-09 14:10"))
    page = look(make.alice(), of(made))
    take(page, "messages", "#messages section")
    take(page, "communications", "#communications")
    page.get_by_text("Autres actions").click()
    take(page, "desistement")


def test_closing_a_request_on_the_web(world, look):
    page = look(make.alice(), of(world["due"]))
    take(page, "a-remplir")
    page.locator(".layout-aside").get_by_role("link", name="Modifier", exact=True).click()
    page.get_by_role("radio", name="Oui").check()
    page.get_by_label("Fin réelle").fill("10 h")
    page.get_by_label("Stationnement ($)").fill("14,00")
    page.get_by_label("Stationnement ($)").blur()
    expect(page.locator(".tally")).to_contain_text("$")
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    take(page, "service-fourni")
    take(page, "frais", "fieldset.block:has([name=distance_km])")
    take(look(make.alice(), of(world["provided"])), "service-fourni-lu")


def test_closing_a_request_on_a_telephone(world, look):
    page = look(make.alice(), of(world["due"]), phone=True)
    take(page, "telephone-demande")
    page.goto(of(world["due"], "achevement/"))
    page.get_by_role("radio", name="Oui").check()
    page.get_by_label("Fin réelle").fill("10 h")
    page.get_by_label("Stationnement ($)").fill("14,00")
    page.get_by_label("Stationnement ($)").blur()
    page.get_by_label("Facture de stationnement").set_input_files(receipt())
    expect(page.locator(".upload img")).to_be_visible()
    page.wait_for_load_state("networkidle")
    take(page, "telephone-pieces", ".field:has([name=parking_amount])", ".upload")
    page.evaluate("scrollTo(0, 0)")
    take(page, "telephone-formulaire")


def test_what_is_paid(world, look):
    pay.paid(starts_at=at("02-17 09:00"), distance_km=Decimal("21"))
    pay.paid(starts_at=at("02-19 13:00"))
    pay.period(at=at("02-24 09:00"))
    pay.paid(starts_at=at("03-03 09:00"), validated_at=at("03-04 09:00"))
    take(look(make.alice(), "/ma-paie/"), "ma-paie", ".page-head", "[aria-labelledby=mois]", "main table")


def test_the_pages_of_a_requester(world, look):
    page = look(make.requester(), "/demandes/nouvelle/")
    page.get_by_label("Type de service").select_option("on_site")
    page.get_by_label("Langue").select_option("espagnol")
    page.get_by_label("Installation").select_option(label="Clinique du Vieux-Marché")
    page.get_by_label("Date", exact=True).fill("2026-03-20")
    page.get_by_label("Début").fill("13 h")
    page.get_by_label("Durée").fill("1 h 30")
    page.get_by_label("Durée").blur()
    take(page, "nouvelle-demande")
    made = make.reserved(make.bob(), **hours("03-12 09:00"), at=at("02-20 09:00"))
    take(look(make.requester(), of(made, "annuler/")), "annuler", ".page-head", ".interruption")


def test_the_pages_of_a_coordinator(world, look):
    asked = [make.unallocated(**hours(start), at=at("03-09 10:00")) for start in ("03-12 09:00", "03-13 14:00")]
    for code, start in (("arabe", "03-16 09:00"), ("vietnamien", "03-17 13:30"), ("dari", "03-19 10:00")):
        make.unallocated(
            language=make.language(code), service_type=ServiceType.PHONE, **hours(start), at=at("03-09 11:00")
        )
    take(look(make.coordinator(), "/bi/?file=non-alloue"), "tableau")
    take(look(make.coordinator(), f"/bi/demandes/{asked[0].pk}/offrir/"), "trouver")


def test_the_review_of_a_validator(world, look):
    made = world["provided"]
    take(look(make.validator(), f"/admin/completion/review/{made.pk}/change/"), "verification")
