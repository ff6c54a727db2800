"""Parking receipts, drawn: small JPEG photos that look like what an interpreter attaches."""

import unicodedata
from datetime import datetime
from decimal import Decimal
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from accounts.french import hour, money, short_date

AMOUNTS = [Decimal(amount) for amount in ("6.50", "9.00", "11.25", "14.00", "18.75")]
_PAPER, _INK, _TABLE = (249, 247, 240), (45, 45, 60), (96, 84, 72)
_SIZE = (420, 560)


def draw(place: str, since: datetime, amount: Decimal, *, number: int) -> SimpleUploadedFile:
    """A receipt for parking near `place` from the instant `since`, slightly crooked on a table."""
    paper = _paper(place, since, amount, number)
    photo = Image.new("RGB", _SIZE, _TABLE)
    turned = paper.convert("RGBA").rotate(number % 9 - 4, expand=True, resample=Image.Resampling.BICUBIC)
    photo.paste(turned, ((_SIZE[0] - turned.width) // 2, (_SIZE[1] - turned.height) // 2), turned)
    file = BytesIO()
    photo.filter(ImageFilter.GaussianBlur(0.6)).save(file, "JPEG", quality=72)
    return SimpleUploadedFile("stationnement.jpg", file.getvalue(), "image/jpeg")


def _paper(place: str, since: datetime, amount: Decimal, number: int) -> Image.Image:
    paper = Image.new("RGB", (320, 470), _PAPER)
    pen = ImageDraw.Draw(paper)
    lines = [
        (24, "Stationnement"),
        (14, place[:30]),
        (15, ""),
        (15, f"Date\u00a0: {short_date(since)}"),
        (15, f"Arrivée\u00a0: {hour(since)}"),
        (15, f"Reçu no {number:06}"),
        (15, ""),
        (30, money(amount)),
        (15, ""),
        (12, "Spécimen de démonstration, sans valeur"),
        (12, "Merci et bonne route"),
    ]
    top = 32
    for size, text in lines:
        pen.text((160, top), _printed(text), fill=_INK, font=ImageFont.load_default(size), anchor="ma")
        top += size + 18
    for bar in range(36, 284, 6):
        pen.rectangle([bar, 420, bar + 1 + (bar * number) % 4, 450], fill=_INK)
    return paper


def _printed(text: str) -> str:
    """Capitals without accents, as ticket machines print, and all that Pillow's own font has."""
    return unicodedata.normalize("NFKD", text.upper()).encode("ascii", "ignore").decode()
