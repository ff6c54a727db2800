"""Keys that stand for a signature in an address: who holds the address may do one thing, and nobody can guess another.

Nothing is stored: the key of a value is drawn from SECRET_KEY again each time (changing it ends them all).
"""

import base64

from django.utils.crypto import constant_time_compare, salted_hmac

# 16 bytes: 128 bits that nobody guesses, 22 letters that fit a text message.
LENGTH = 16


def key_of(purpose: str, *values: object) -> str:
    """22 letters, digits, « - » and « _ » that only we can draw for these values and this purpose."""
    drawn = salted_hmac(f"requests_app.{purpose}", ":".join(map(str, values)), algorithm="sha256").digest()
    return base64.urlsafe_b64encode(drawn[:LENGTH]).decode().rstrip("=")


def opens(key: str, purpose: str, *values: object) -> bool:
    """Whether `key` is the one of these values, compared in constant time."""
    return constant_time_compare(key, key_of(purpose, *values))
