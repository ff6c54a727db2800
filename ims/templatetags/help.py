"""What the pages of the help are made of: screenshots with their size, links to one another."""

from functools import cache

from django import template
from django.conf import settings
from django.utils.html import format_html
from PIL import Image

from ims.help.pages import PAGES

register = template.Library()
SHOTS = settings.BASE_DIR / "static" / "help"
# A picture narrower than this, in its own pixels, is a telephone’s.
_NARROW = 600


@register.inclusion_tag("help/_shot.html")
def shot(name: str, alt: str) -> dict:
    """A screenshot of `static/help/<name>.webp`; `alt` says what is to be seen on it."""
    width, height = _size_of(name)
    return {"file": f"help/{name}.webp", "alt": alt, "width": width, "height": height, "is_narrow": width < _NARROW}


@cache
def _size_of(name: str) -> tuple[int, int]:
    with Image.open(SHOTS / f"{name}.webp") as image:
        return image.size


@register.simple_tag
def answer(slug: str, words: str = "") -> str:
    """A link to another page of the help, under its own title unless other words are given."""
    return format_html('<a href="{}">{}</a>', PAGES[slug].url, words or PAGES[slug].title)
