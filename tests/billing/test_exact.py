"""The code that pays: no binary fraction, and nothing but Python (domain « Pay »)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Where points of a page and pixels are told, and no money.
DRAWING = {"billing/documents.py", "completion/decoder.py", "completion/decoding/images.py"}
PURE = ["billing/rules.py", "billing/quote.py", "requests_app/business_days.py", "completion/rules.py"]


def binary_fractions(path, *names) -> list[str]:
    """Where a file writes a binary fraction, or calls by name what makes one."""
    banned = {"float", "complex", "truediv", "FloatField", *names}
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        name = getattr(node, "id", getattr(node, "attr", ""))
        if name in banned or isinstance(getattr(node, "value", None), float | complex):
            found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_no_binary_fraction_is_written_where_money_is_told():
    paths = sorted(path for room in ("billing", "completion") for path in (ROOT / room).rglob("*.py"))
    money = [path for path in paths if str(path.relative_to(ROOT)) not in DRAWING]
    assert sum((binary_fractions(path) for path in money), []) == []


@pytest.mark.parametrize("module", PURE)
def test_the_rules_never_make_a_binary_fraction_of_a_time(module):
    assert binary_fractions(ROOT / module, "total_seconds", "timestamp") == []


def test_a_binary_fraction_would_be_seen():
    assert binary_fractions(ROOT / "completion/decoding/images.py")


@pytest.mark.parametrize(("module", "divides"), [*zip(PURE, [["_hourly"], [], [], []], strict=True)])
def test_the_rules_divide_only_the_minutes_of_an_hour(module, divides):
    """Two whole numbers divided make a binary fraction: here one of the two is a Decimal."""
    functions = ast.parse((ROOT / module).read_text()).body
    nodes = ((getattr(function, "name", ""), node) for function in functions for node in ast.walk(function))
    assert sorted({name for name, node in nodes if isinstance(getattr(node, "op", None), ast.Div)}) == divides


@pytest.mark.parametrize("module", ["billing.rules", "requests_app.business_days", "completion.rules"])
def test_the_rules_import_with_django_absent(module):
    script = f"import sys; sys.modules['django'] = None; import {module}"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
