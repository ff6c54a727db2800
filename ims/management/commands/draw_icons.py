"""Draws the icons of the installed application after icons/favicon.svg, whose shapes and units (32 by 32) they have."""

from django.conf import settings
from django.core.management.base import BaseCommand
from PIL import Image, ImageDraw

FOLDER = settings.BASE_DIR / "static" / "icons"
UNITS = 32
SMOOTH = 4  # drawn so many times larger, then shrunk
BAND, FRONT, BACK = "#0b3f75", "#ffffff", "#8ec1f0"
# Name, pixels, how large the two bubbles are, the corner of the tile: none where the telephone cuts its own shape.
# Maskable: all that matters is in a circle of four fifths of the side.
DRAWN = [
    ("app-192.png", 192, 1, 7),
    ("app-512.png", 512, 1, 7),
    ("app-maskable-512.png", 512, 0.8, 0),
    ("apple-touch-icon.png", 180, 0.95, 0),
]


class Command(BaseCommand):
    help = "Dessine les icônes de l’application (static/icons)."
    requires_system_checks = []

    def handle(self, **options):
        for name, pixels, scale, corner in DRAWN:
            icon = _tile(pixels * SMOOTH, scale, corner).resize((pixels, pixels), Image.Resampling.LANCZOS)
            icon = icon if corner else icon.convert("RGB")
            icon.quantize(64, method=Image.Quantize.FASTOCTREE).save(FOLDER / name, optimize=True)
            self.stdout.write(name)


def _tile(side: int, scale: float, corner: int) -> Image.Image:
    """Two bubbles that answer each other; `scale` below 1 leaves room around them, from their own middle."""
    icon = Image.new("RGBA", (side, side), (0, 0, 0, 0) if corner else BAND)
    pen = ImageDraw.Draw(icon)
    unit = side / UNITS

    def at(*points):
        middle = (16, 16) if scale == 1 else (16, 17.5)
        return [
            tuple((16 + (value - centre) * scale) * unit for value, centre in zip(point, middle, strict=True))
            for point in points
        ]

    def rounded(start, end, radius, colour):
        pen.rounded_rectangle([*at(start, end)], radius * scale * unit, fill=colour)

    if corner:
        pen.rounded_rectangle([(0, 0), (side - 1, side - 1)], corner * unit, fill=BAND)
    rounded((13, 13), (28, 23), 2, BACK)
    pen.polygon(at((25, 22), (25, 27), (21, 23)), fill=BACK)
    rounded((4, 6), (23, 20), 3, BAND)  # the air between the two
    rounded((4, 8), (21, 18), 2, FRONT)
    pen.polygon(at((8, 17), (13, 17), (8, 22)), fill=FRONT)
    return icon
