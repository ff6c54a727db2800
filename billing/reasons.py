"""What a pay line says of itself: the same words on every page and in every file, for whoever may read them."""

from accounts.french import NBSP, decimal, money
from billing import rules
from billing.tariff_words import rate_words
from requests_app.masking import Hide, eraser, masked
from requests_app.models import ServiceRequest

# What `billing.ledger.adjust` counts in; like what the BI adds, it is an amount and not a product.
CORRECTION = "correction"
_AMOUNTS = (CORRECTION, rules.UNITS[rules.LineKind.ADJUSTMENT])


def is_typed(line) -> bool:
    """Whether a person wrote the reason: a line that the BI added, a correction, what it reverses.

    The sentences of the engine name nobody, and are told as they are: « 90 min » is no patient called Min.
    """
    return line.kind == rules.LineKind.ADJUSTMENT or _is_reversal(line) or line.unit != rules.UNITS[line.kind]


def as_read(line, hide: Hide):
    """The line for a reader who may not know everybody; what the engine wrote stays as it is."""
    return masked(line, hide, "reason") if is_typed(line) else line


def reason_of(line, service_request: ServiceRequest) -> str:
    """The reason without the patient nor the professional; `line` is the engine's, or has the fields of a PayLine.

    Of the request, only the names and numbers are read.
    """
    return eraser(service_request)(line.reason) if is_typed(line) else line.reason


def is_corrective(line) -> bool:
    """Whether a correction wrote the line: one that reverses another, or the one written instead."""
    return _is_reversal(line) or line.unit == CORRECTION


def _is_reversal(line) -> bool:
    # A line of the engine is not in the ledger yet.
    return bool(getattr(line, "reverses_id", None))


def explanation(line, reason: str | None = None) -> str:
    """« Annule la ligne de 82,00 $ », « Correction : Durée réelle de 1 h », else the reason of the rule.

    `reason` is the one that the reader may know, when it is not the line's own.
    """
    if _is_reversal(line):
        return f"Annule la ligne de {money(-line.amount)}"
    reason = line.reason if reason is None else reason
    return f"Correction{NBSP}: {reason}" if line.unit == CORRECTION else reason


def calculation(line) -> str:
    """« 2 h × 41,00 $ », on one line; nothing for an amount that nothing multiplies."""
    return "" if line.unit in _AMOUNTS else f"{_quantity(line)}{NBSP}×{NBSP}{rate_words(line.rate)}"


def _quantity(line) -> str:
    """« 2,5 h », « 1 communication », « 2 communications »."""
    # An abbreviation takes no mark of the plural; a word does from 2.
    plural = "s" if len(line.unit) > 2 and abs(line.quantity) >= 2 else ""
    return f"{decimal(line.quantity)}{NBSP}{line.unit}{plural}"


def searchable(text: str) -> str:
    """The text with ordinary spaces: what a spreadsheet finds when somebody types « 41,00 $ »."""
    return text.replace(NBSP, " ")
