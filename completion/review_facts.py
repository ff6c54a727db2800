"""A file as its flags take it: plain values, whatever they were read from. Pure: standard library only."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Another presence of the same interpreter. `road_minutes`: 0 at the same place, None when nobody travels."""

    number: int
    starts_at: datetime
    ends_at: datetime
    road_minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """The same file, byte for byte, on another request, and on how many more."""

    number: int
    served_at: datetime
    is_receipt: bool
    is_same_person: bool
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A communication as reported; `is_decided` once a validator accepted it."""

    at: datetime
    purpose: str  # its label
    precision: str = ""
    requested_by_name: str = ""
    justification: str = ""
    is_decided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """Dollars that a validator added for whoever holds the request, or took off."""

    amount: Decimal
    added_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFacts:
    """A file as the flags take it: aware instants, whole minutes, kilometres one way, dollars; None when unknown."""

    service_type: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime  # of a relay: when the request it comes from was created
    notice_received_at: datetime | None = None  # the BI's
    told_at: datetime | None = None  # the interpreter's, in a service reported as cancelled
    filed_at: datetime | None = None  # the first time
    present_from: datetime | None = None
    present_to: datetime | None = None
    distance_km: Decimal | None = None
    estimated_km: Decimal | None = None
    estimated_how: str = ""  # in words
    threshold_km: Decimal | None = None
    parking_amount: Decimal | None = None
    has_receipt: bool = False
    are_communications_requested: bool = False
    exchanges: tuple[Exchange, ...] = ()
    presences: tuple[Presence, ...] = ()
    copies: tuple[Copy, ...] = ()
    additions: tuple[Addition, ...] = ()
