"""The alphabet of text messages: 160 letters a segment within it, 70 outside; each segment is paid (3GPP TS 23.038)."""

import unicodedata

from accounts.french import NBSP

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these counts for two.
_EXTENDED = "^{}\\[~]|€\f"
ALPHABET = frozenset(_BASIC + _EXTENDED)
_PLAIN = {"«" + NBSP: '"', NBSP + "»": '"', "«": '"', "»": '"', "“": '"', "”": '"', "’": "'", "‘": "'"}
_PLAIN |= {"\u202f": " ", "–": "-", "—": "-", "\u2011": "-", "…": "...", "œ": "oe", "Œ": "OE", "•": "*", "→": ">"}


def plain(text: str) -> str:
    """The text with the equivalents a telephone writes in one segment: « l’hôpital » → « l'hopital »."""
    for written, equivalent in _PLAIN.items():
        text = text.replace(written, equivalent)
    return "".join(map(_plain_letter, text))


def _plain_letter(letter: str) -> str:
    if letter in ALPHABET:
        return letter
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return bare if bare and ALPHABET.issuperset(bare) else letter


def is_one_segment(text: str) -> bool:
    """Whether the telephone company counts it once."""
    if ALPHABET.issuperset(text):
        return len(text) + sum(letter in _EXTENDED for letter in text) <= 160
    return len(text.encode("utf-16-be")) // 2 <= 70
