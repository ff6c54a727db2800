"""How many times the repeated tests repeat: enough at every run to see a fault, and the full figure with --long."""

COUNTS = {
    # name: (every run, --long)
    "race": (24, 1000),
    "tariff race": (6, 300),
    "fuzz": (200, 20_000),
    "kill": (3, 20),
    "mutation": (60, 2000),
    "notification": (12, 300),
    "guess": (150, 10_000),
    "replay": (10, 200),
    "reset timing": (120, 1000),
    "crowd": (20_000, 100_000),
    "pay case": (2000, 100_000),
    "minute case": (200, 1000),
    "quote line": (100, 5000),
    "table": (20, 1000),
}

is_long = False


def rounds(name: str) -> int:
    """The number of rounds of this run."""
    return COUNTS[name][is_long]
