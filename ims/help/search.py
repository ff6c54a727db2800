"""The search of the help: all the words, accents and capitals ignored, over what the pages say; no database.

The pages are rendered once, at the first search, without what surrounds them, and kept as words with their places.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser

from django.template.loader import get_template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ims.help import values
from ims.help.pages import PAGES, Page

_WORD = re.compile(r"\w+")
# Beyond, nobody reads what they typed; each word is looked for in every page.
LONGEST, MOST_WORDS = 200, 12
AROUND = 110
# A word of the title says more of a page than a word of its text.
_TITLE_WEIGHT = 20
_EMPTY = {"de", "la", "le", "les", "l", "d", "des", "du", "un", "une", "et", "a", "je", "j", "mon", "ma", "mes", "que"}


@dataclass(frozen=True)
class Word:
    folded: str
    start: int
    end: int


@dataclass(frozen=True)
class Entry:
    """A page as the search knows it: its text on one line, the words of its title and of its text."""

    page: Page
    text: str
    title: tuple[Word, ...]
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Found:
    page: Page
    title: SafeString
    snippet: SafeString


def fold(text: str) -> str:
    """« Achevé » and « ACHEVE » are « acheve », « œ » is « oe »."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def asked(query: str) -> list[str]:
    """The words looked for; small ones (« de », « la ») only when there is nothing else."""
    words = list(dict.fromkeys(fold(word) for word in _WORD.findall(query[:LONGEST])))[:MOST_WORDS]
    return [word for word in words if word not in _EMPTY] or words


def find(query: str) -> list[Found]:
    """The pages that have every word, by how it begins, the likeliest first; none for a query without a word."""
    wanted = asked(query)
    if not wanted:
        return []
    scored = [(_score(entry, wanted), entry) for entry in index()]
    ranked = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])
    return [_found(entry, wanted) for _, entry in ranked]


@cache
def index() -> tuple[Entry, ...]:
    return tuple(_entry(page) for page in PAGES.values())


def _entry(page: Page) -> Entry:
    text = _text_of(page)
    return Entry(page, text, _words(page.title), _words(text))


def _text_of(page: Page) -> str:
    if not page.template:
        return ""
    html = get_template(page.template).render(values.known() | {"tariff": values.UNREAD_TARIFF, "offices": []})
    reader = _Reader()
    reader.feed(html)
    # The spaces of French are kept, those of the markup are one.
    return re.sub(r"[ \t\r\n]+", " ", "".join(reader.said)).strip()


class _Reader(HTMLParser):
    """What a page says: a list, a heading or a step closed without a full stop is given one; pictures are not read."""

    SENTENCES = {"p", "li", "h2", "dt", "dd"}
    INLINE = {"a", "b", "i", "span", "strong"}

    def __init__(self):
        super().__init__()
        self.said = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.INLINE:
            self.said.append(" ")

    def handle_endtag(self, tag):
        text = "".join(self.said).rstrip()
        if tag in self.SENTENCES and text and text[-1] not in ".,:;!?…":
            self.said = [text, ". "]

    def handle_data(self, data):
        self.said.append(data)


def _words(text: str) -> tuple[Word, ...]:
    return tuple(Word(fold(found.group()), found.start(), found.end()) for found in _WORD.finditer(text))


def _score(entry: Entry, wanted: list[str]) -> int:
    """0 when a word is missing; else how often they are there."""
    times = [
        _TITLE_WEIGHT * sum(word.folded.startswith(one) for word in entry.title)
        + sum(word.folded.startswith(one) for word in entry.words)
        for one in wanted
    ]
    return sum(times) if all(times) else 0


def _found(entry: Entry, wanted: list[str]) -> Found:
    first = next((word for word in entry.words if _is_wanted(word, wanted)), None)
    start = _back_to_a_space(entry.text, (first.start if first else 0) - AROUND)
    end = _on_to_a_space(entry.text, (first.end if first else 0) + AROUND)
    said = _marked(entry.text, entry.words, wanted, start, end)
    snippet = format_html("{}{}{}", "… " if start else "", said, " …" if end < len(entry.text) else "")
    return Found(entry.page, _marked(entry.page.title, entry.title, wanted, 0, len(entry.page.title)), snippet)


def _is_wanted(word: Word, wanted: list[str]) -> bool:
    return any(word.folded.startswith(one) for one in wanted)


def _marked(text: str, words, wanted: list[str], start: int, end: int) -> SafeString:
    """The text between two places, the words found marked, everything escaped."""
    pieces, at = [], start
    for word in words:
        if start <= word.start and word.end <= end and _is_wanted(word, wanted):
            pieces += [(text[at : word.start], text[word.start : word.end])]
            at = word.end
    return format_html("{}{}", format_html_join("", "{}<mark>{}</mark>", pieces), text[at:end])


def _back_to_a_space(text: str, place: int) -> int:
    return text.rfind(" ", 0, place) + 1 if place > 0 else 0


def _on_to_a_space(text: str, place: int) -> int:
    return len(text) if place >= len(text) or (space := text.find(" ", place)) < 0 else space
