"""The French that people read keeps the typography of Québec (screens.md 6), in every template, message and script."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.test_house import ROOT, TEMPLATES, every_page, sources, tree_of

# The alphabet of text messages has no such space (accounts/gsm7.py).
SMS = TEMPLATES / "sms"
# The engine sets its own sentences, the terminal and JSON have quotation marks of theirs, the demo's people type as
# people do; a migration says what was said.
APART = {"billing/rules.py", "billing/quote.py", "requests_app/notifications.py", "ims/settings.py"}
# As the FAQ writes a communication in the comments.
EXAMPLE = re.compile(r"\d{4}-\d\d-\d\d 14h10 Confirmation du rendez-vous")
FAULTS = {
    "an ordinary space before « : » or « » »": r"\S [:»](?=\s|$)",
    "no space before « : »": r"[^\W\d]:(?=\s|$)",
    "no space inside « »": r"«\S|\S»",
    "an ordinary space after « « »": r"« ",
    "a space before « ? », « ! » or « ; »": r"[^\s«/…,]\s[?!;](?!\s»)(?=\s|$)",
    "a straight apostrophe": r"[^\W\d]'[^\W\d]",
    "straight quotation marks": r'(?<!=)"[^\W\d_][^"]*"',
    "three full stops": r"\.\.\.",
    "a number apart from its unit": r"(?<![\d-])\d+ (h|min|km|\$|Mo|Ko|%|octets)\b",
    "an hour glued to its unit": r"\b([01]?\d|2[0-3])h([0-5]\d)?\b",
}
_TAG = re.compile(r"{#.*?#}|<style.*?</style>|{%\s*comment.*?endcomment\s*%}|<!--.*?-->|<(?!/?[a-z]).", re.S)
_SAID = re.compile(r"\b(?:aria-label|placeholder|title|alt|data-(?!url|src)[a-z-]+)=\"([^\"]*[^\W\d_]{3}[^\"]*)\"")


def texts_of_template(path: Path) -> list[str]:
    """What a page says, tags taken off; a value is a word, so that what stands around it is read too."""
    source = _TAG.sub(" ", path.read_text()).replace("&nbsp;", "\u00a0")
    literals = re.findall(r"""{%[^%]*?["']([^"'%]*[^\W\d_]{3} [^"'%]*)["']""", source)
    values = re.sub(r"{{.*?}}", "x", source, flags=re.S)
    attributes = [re.sub(r"{%.*?%}", "", words) for words in _SAID.findall(values)]
    prose = re.sub(r"<[^>]*>", "\n", re.sub(r"{%.*?%}", "", values, flags=re.S))
    return [line.strip(" \t") for line in [*prose.split("\n"), *attributes, *literals] if line.strip()]


@cache
def told(path: Path) -> list[str]:
    """The French strings of a module: not its docstrings, its patterns, its SQL nor its keys."""
    tree = tree_of(path)
    docs = {id(node.body[0].value) for node in ast.walk(tree) if hasattr(node, "body") and _is_documented(node)}
    kept = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs]
    return [node.value for node in kept if isinstance(node.value, str) and _is_french(node.value)]


def _is_documented(node) -> bool:
    first = node.body[0] if isinstance(node.body, list) and node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)


def _is_french(text: str) -> bool:
    """A sentence of it, at least: letters with their accents, or its small words."""
    is_code = re.search(r"SELECT |\\[dswb]|\(\?|[{}]\w|^[\w./:#?=&%-]+$|^[a-z -]+/|</|=\"", text)
    return not is_code and bool(re.search(r"[éèêàçùœÉÀ’]|\b(le|la|les|de|des|du|une?|pas|est|et)\b", text))


@pytest.mark.parametrize("fault", FAULTS)
def test_templates_are_written_as_in_quebec(fault):
    pages = [path for path in every_page() if SMS not in path.parents]
    found = {str(path.relative_to(TEMPLATES)): faulty(texts_of_template(path), fault) for path in pages}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_messages_are_written_as_in_quebec(fault):
    found = {name: faulty(told(path), fault) for name, path in spoken()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def spoken() -> list[tuple[str, Path]]:
    """The modules whose strings people read."""
    named = [(str(path.relative_to(ROOT)), path) for path in sources()]
    return [
        (name, path) for name, path in named if "migrations/" not in name and "demo/" not in name and name not in APART
    ]


def faulty(lines, fault) -> list[str]:
    return [line.strip()[:100] for line in lines if re.search(FAULTS[fault], EXAMPLE.sub("", line))]
