"""Statements and establishments' sheets on paper (PDF, Letter): the same lines as their pages, to the cent.

Nobody's patient, no place. The same lines give the same bytes, whenever and wherever they are drawn.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from unicodedata import category, combining, normalize

import pymupdf_fonts
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from accounts import bank
from accounts.french import date_range_words, date_words, hour, long_date, money, short_date
from billing.models import PayLine, PayPeriod, PayStatement
from billing.periods import Block, blocks
from billing.reasons import calculation, explanation
from requests_app.masking import eraser

DRAFT = "brouillon, rien n’est encore publié"
# FiraGO draws the Latin letters of every language of the bank, and Greek, Cyrillic, Arabic, Hebrew, Thai, Devanagari.
_FONT, _FILES = "FiraGO", {"": "figo", "B": "figbo"}
_MARGIN, _AMOUNT_WIDTH = 18, 32
_INK, _QUIET, _RULE = 20, 95, 190


class _Paper(FPDF):
    """A document with its number at the head of each page and « page x de y » at its foot. Millimetres and points."""

    def __init__(self, title: str, *, made_at: datetime, fonts: Path):
        super().__init__(format="Letter")
        self.title_told = title
        for style, name in _FILES.items():
            path = fonts / f"{name}.ttf"
            path.write_bytes(pymupdf_fonts.fontbuffers[name]())
            self.add_font(_FONT, style, path)
        self.set_margin(_MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(True, _MARGIN)
        self.set_creation_date(made_at)
        self.set_title(title)
        self.set_lang("fr-CA")
        self.add_page()

    def header(self):
        self.write_line(bank.NAME if self.page == 1 else f"{bank.NAME} – {self.title_told}", 9, ink=_QUIET)
        self.ln(2)

    def footer(self):
        self.set_y(-_MARGIN + 4)
        self.set_font(_FONT, "", 8)
        self.set_text_color(_QUIET)
        self.cell(0, 5, f"page {self.page} de {{nb}}", align="C")

    def write_line(self, text: str, points: float, *, style="", ink=_INK, width: float = 0) -> None:
        """A paragraph from the left margin; long ones go on under it."""
        self.set_font(_FONT, style, points)
        self.set_text_color(ink)
        height = points * 0.5
        self.multi_cell(width, height, self.drawable(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def write_amount(self, label: str, amount: Decimal, points: float, *, style="") -> None:
        """A line that ends with its amount, in its own column."""
        top = self.get_y()
        self.write_line(label, points, style=style, width=self.epw - _AMOUNT_WIDTH)
        bottom = self.get_y()
        self.set_xy(self.w - _MARGIN - _AMOUNT_WIDTH, top)
        self.cell(_AMOUNT_WIDTH, points * 0.5, money(amount), align="R")
        self.set_xy(_MARGIN, bottom)

    def rule(self) -> None:
        self.set_draw_color(_RULE)
        self.line(_MARGIN, self.get_y(), self.w - _MARGIN, self.get_y())
        self.ln(1.5)

    def make_room(self, height: float) -> None:
        """On to the next page, rather than what belongs together on two."""
        if self.will_page_break(height):
            self.add_page()

    def drawable(self, text: str) -> str:
        """The text with what the font lacks as its nearest letters, else « ? » (Chinese, emoji); never an error."""
        known = self.fonts[_FONT.lower()].cmap
        return "".join(_nearest(letter, known) for letter in text if category(letter) not in ("Cc", "Cf", "Cs"))


def _nearest(letter: str, known) -> str:
    if ord(letter) in known:
        return letter
    plain = "".join(part for part in normalize("NFKD", letter) if not combining(part))
    return plain if plain and all(ord(part) in known for part in plain) else "?"


@contextmanager
def _paper(title: str, made_at: datetime) -> Iterator[_Paper]:
    # The library reads a font by its path, and once more when it embeds the letters that were used.
    with TemporaryDirectory() as folder:
        yield _Paper(title, made_at=made_at, fonts=Path(folder))


def statement_pdf(statement: PayStatement) -> bytes:
    """A statement as its interpreter keeps it: number, period, name, each line with its explanation, the total.

    A name or a reason in a script that the font lacks is folded to its nearest Latin letters, else « ? »; Arabic and
    Hebrew letters are drawn one by one, not joined. Without the patient nor the professional, whoever reads it.
    """
    facts = [("Interprète", str(statement.interpreter)), *_facts(statement.period)]
    shown, title = blocks(statement, eraser), f"Relevé {statement.number}"
    return _drawn(title, facts, shown, statement.total, statement.period, statement)


def takes(period: PayPeriod) -> str:
    """Which lines a statement of the period pays."""
    until = date_words(period.ends_on)
    return f"Ce relevé paie ce que la BI a validé ou corrigé jusqu’au {until}, quelle que soit la date du service."


def institution_pdf(institution, period: PayPeriod, lines: Iterable[Block], total: Decimal) -> bytes:
    """What an establishment is charged for a period; without the interpreter nor the patient."""
    facts = [("Établissement", str(institution)), *_facts(period)]
    return _drawn("À refacturer", facts, lines, total, period)


def _facts(period: PayPeriod) -> list[tuple[str, str]]:
    days = ("Période", date_range_words(period.starts_on, period.ends_on))
    return [days, ("Publié le", long_date(period.published_at))] if period.published_at else [days, ("État", DRAFT)]


def _drawn(
    title: str, facts, shown: Iterable[Block], total: Decimal, period: PayPeriod, statement: PayStatement | None = None
) -> bytes:
    title = title if period.published_at else f"Brouillon, {title[0].lower()}{title[1:]}"
    with _paper(title, period.published_at or period.computed_at) as paper:
        paper.write_line(title, 17, style="B")
        paper.ln(2)
        for label, value in facts:
            paper.write_line(f"{label}\u00a0: {value}", 10.5)
        if statement:
            paper.write_line(takes(period), 9, ink=_QUIET)
        paper.ln(3)
        for block in shown:
            _draw_block(paper, block, statement)
        paper.make_room(12)
        paper.rule()
        paper.write_amount(_total_words(total), total, 12, style="B")
        paper.ln(3)
        paper.write_line(" · ".join([bank.NAME, bank.PHONE, bank.EMAIL]), 9, ink=_QUIET)
        return bytes(paper.output())


def _total_words(total: Decimal) -> str:
    return "Total à récupérer" if total < 0 else "Total"


def _draw_block(paper: _Paper, block: Block, statement: PayStatement | None) -> None:
    asked = block.service_request
    paper.make_room(22)
    paper.rule()
    label = f"Demande {asked.pk}, {long_date(block.service_on)}"
    paper.write_amount(label, block.total, 10.5, style="B")
    told = [asked.get_service_type_display(), asked.language.name]
    if statement is None:
        # The establishment's own place, which it knows its requests by; a statement tells none.
        told += [hour(asked.starts_at), *([str(asked.facility)] if asked.facility else [])]
    tariff = f"politique en vigueur depuis le {short_date(block.policy.effective_from)}"
    paper.write_line(", ".join([*told, tariff]), 9, ink=_QUIET)
    paper.ln(1.2)
    for line in block.lines:
        _draw_line(paper, line, statement)
    paper.ln(2)


def _draw_line(paper: _Paper, line: PayLine, statement: PayStatement | None) -> None:
    paper.make_room(12)
    product = calculation(line)
    paper.write_amount(f"{line.rule}\u00a0: {product}" if product else line.rule, line.amount, 10)
    paper.write_line(
        f"{explanation(line)}{_paid_by(line, statement)}", 8.5, ink=_QUIET, width=paper.epw - _AMOUNT_WIDTH
    )
    paper.ln(0.8)


def _paid_by(line: PayLine, statement: PayStatement | None) -> str:
    """Of a line that annuls another, which statement had paid that one; its number tells the interpreter's."""
    if statement is None or not line.reverses_id:
        return ""
    former = line.reverses.paid_on.statement
    return ", aussi sur ce relevé" if former == statement else f", payée par le relevé {former.number}"
