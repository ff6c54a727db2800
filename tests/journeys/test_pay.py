"""From a validated file to money: the validator's fortnight, the interpreter's « Ma paie », a tariff in two hands."""

import csv
import hashlib
import io
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect
from pypdf import PdfReader

from billing.models import PayPolicy, PeriodExport
from tests import make
from tests.billing import make as pay
from tests.journeys.conftest import PHONE
from tests.pages import ago

pytestmark = pytest.mark.django_db(transaction=True)


def served():
    """Alice: a service 30 km away, an hour and a half, validated the day after."""
    return pay.paid(starts_at=ago(40), validated_at=ago(39), at=ago(60), distance_km=Decimal("30"), waiting_minutes=0)


def saved(page, press) -> bytes:
    """What a link or a button gives to keep."""
    with page.expect_download() as given:
        press()
    return Path(given.value.path()).read_bytes()


def test_a_period_is_computed_published_exported_and_read_by_its_interpreter(visit):
    made = served()
    page = visit(make.validator(), "/admin/")
    page.get_by_role("link", name="Périodes à calculer").click()
    page.get_by_role("button", name="Calculer").click()
    # 82,00 for the two hours at least, 37,20 for 60 km.
    expect(page.locator("tfoot").first).to_contain_text("119,20 $")
    page.get_by_text("Publier…").click()
    page.get_by_role("button", name="Publier", exact=True).click()
    expect(page.get_by_text("sont publiés")).to_be_visible()
    page.get_by_role("button", name="Exporter (CSV)").click()
    expect(page.get_by_text("CSV : exporté le")).to_be_visible()
    content = saved(page, page.get_by_role("link", name="Télécharger (CSV)").click)
    kept = PeriodExport.objects.get()
    assert hashlib.sha256(content).hexdigest() == kept.sha256 and kept.sha256 in page.content()
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert sum(Decimal(row["Montant"].replace(",", ".")) for row in rows) == Decimal("119.20")
    assert {row["Demande"] for row in rows} == {str(made.pk)}

    page = visit(make.alice(), "/", viewport=PHONE)
    page.get_by_role("navigation", name="Principale").get_by_role("link", name="Ma paie").click()
    page.goto(f"/ma-paie/?mois={ago(40):%Y-%m}")
    expect(page.locator("dl.parts")).to_contain_text("119,20 $")
    expect(page.get_by_text("30 km aller déclarés, plus de 16 km")).to_be_visible()
    drawn = saved(page, page.get_by_role("link", name="PDF").click)
    text = "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(drawn)).pages).replace("\u00a0", " ")
    assert "119,20 $" in text and "82,00 $" in text and "37,20 $" in text
    page.locator("#releves").get_by_role("link", name="Relevé", exact=False).first.click()
    expect(page.locator("main")).to_contain_text("119,20 $")
    page.get_by_role("link", name=f"{made.pk}").first.click()
    expect(page.locator(".page-head .status")).to_have_text("Achevé")


def test_a_tariff_is_drafted_by_one_and_published_by_another(visit):
    start = timezone.localdate() + timedelta(days=30)
    page = visit(make.validator(), "/admin/billing/paypolicy/")
    page.locator("#result_list a").first.click()
    page.locator("summary", has_text="Copier en brouillon").click()
    page.get_by_label("En vigueur le", exact=False).last.fill(f"{start:%Y-%m-%d}")
    page.get_by_role("button", name="Copier en brouillon").click()
    rate, save = page.get_by_label("Taux horaire", exact=False).first, page.locator("[name=_save]")
    rate.fill("-1")
    save.click()
    expect(rate).to_have_value("-1")
    assert PayPolicy.objects.get(state="draft").hourly_rate == 41
    rate.fill("45,50")
    save.click()
    expect(page.locator(".messagelist")).to_be_visible()
    draft = PayPolicy.objects.get(state="draft")
    assert draft.hourly_rate == Decimal("45.50")
    page = visit(make.administrator(), f"/admin/billing/paypolicy/{draft.pk}/change/")
    page.get_by_role("link", name="Publier…").click()
    expect(page.get_by_role("row", name="45,50")).to_be_visible()
    page.get_by_role("button", name="Publier", exact=True).click()
    expect(page.locator(".messagelist")).to_be_visible()
    draft.refresh_from_db()
    assert (draft.state, draft.published_by) == (PayPolicy.State.PUBLISHED, make.administrator())
