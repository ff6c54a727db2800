"""Tables as files that a spreadsheet opens and that run nothing in it (reliability G2): CSV and XLSX, and their answer.

The same rows give the same bytes, whenever and wherever they are written.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO, TextIOWrapper
from unicodedata import category, normalize

import xlsxwriter
from django.http import HttpResponse

CSV, XLSX, PDF = (
    "text/csv; charset=utf-8",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/pdf",
)
# What a spreadsheet may take for the first character of a formula, full width or not, whatever is blank before it;
# the minus sign of typography too.
_FORMULA = frozenset("=+-@|%\u2212")
_BLANK = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Mn"})
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_FIRST = ("\t", "\r", "\n")
# Excel's own limit of a cell; and what XML 1.0, hence XLSX, cannot carry.
_LONGEST = 32_767
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# A zip file keeps dates, and a workbook when it was made: nobody reads them here.
_MADE_AT = datetime(2024, 11, 4)
_WIDEST = 60


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One sheet of a workbook; `rows` may be a generator, and is then never held whole in memory."""

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence]
    # In characters, one a column; without them, those of the titles.
    widths: Sequence[int] = ()


def as_csv(header: Sequence[str], rows: Iterable[Sequence]) -> bytes:
    """UTF-8 with its mark, « ; » and CRLF, as Excel reads it in French: decimal comma, ISO dates.

    A number (Decimal, int) stays one; a text that a spreadsheet would compute takes an apostrophe before it.
    """
    content = BytesIO()
    with TextIOWrapper(content, "utf-8-sig", newline="", write_through=True) as written:
        lines = csv.writer(written, delimiter=";", lineterminator="\r\n")
        lines.writerow([_in_csv(title) for title in header])
        lines.writerows([_in_csv(cell) for cell in row] for row in rows)
        return content.getvalue()


def _in_csv(cell: str | Decimal | int | date | None) -> str:
    if isinstance(cell, str):
        return _harmless(cell)
    if isinstance(cell, Decimal):
        return f"{cell:f}".replace(".", ",")
    # A date is written as ISO 8601 has it.
    return "" if cell is None else str(cell)


def _harmless(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet might compute; without what neither format can carry."""
    text = _NOT_XML.sub("", text)
    return f"'{text}" if text.startswith(_FIRST) or _is_formula(text) else text


def _is_formula(text: str) -> bool:
    seen = (letter for letter in text if category(letter) not in _BLANK and letter not in _FILLERS)
    return normalize("NFKC", next(seen, ""))[:1] in _FORMULA


def as_xlsx(sheets: Iterable[Sheet]) -> bytes:
    """A workbook: numbers are numbers, dates are dates (never instants), texts are never formulas nor links.

    Written row by row to a temporary file, so that memory does not grow with the rows.
    """
    written = BytesIO()
    with xlsxwriter.Workbook(written, {"constant_memory": True}) as book:
        book.set_properties({"created": _MADE_AT})
        formats = _formats(book)
        for sheet in sheets:
            _write(book.add_worksheet(sheet.name), sheet, formats)
    return written.getvalue()


def _formats(book) -> dict:
    shown = {"whole": "0", "money": "#,##0.00", "exact": "#,##0.00##", "day": "yyyy-mm-dd"}
    return {name: book.add_format({"num_format": number}) for name, number in shown.items()} | {
        "title": book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    }


def _write(page, sheet: Sheet, formats: dict) -> None:
    page.freeze_panes(1, 0)
    for column, title in enumerate(sheet.header):
        width = sheet.widths[column] if sheet.widths else len(title) + 2
        page.set_column(column, column, min(width, _WIDEST))
        page.write_string(0, column, _harmless(title), formats["title"])
    for number, row in enumerate(sheet.rows, start=1):
        for column, cell in enumerate(row):
            _write_cell(page, number, column, cell, formats)


def _write_cell(page, row: int, column: int, cell, formats: dict) -> None:
    if isinstance(cell, str):
        page.write_string(row, column, _harmless(cell)[:_LONGEST])
    elif isinstance(cell, date):
        page.write_datetime(row, column, cell, formats["day"])
    elif cell is not None:
        page.write_number(row, column, cell, formats[_number_format(cell)])


def _number_format(number: Decimal | int) -> str:
    if isinstance(number, int):
        return "whole"
    return "money" if number == round(number, 2) else "exact"


def download(name: str, content: bytes, content_type: str) -> HttpResponse:
    """The bytes as a file to keep: never shown in the page, never guessed at, kept by no cache.

    `name` is told to the browser and to whoever looks over a shoulder: nobody's name in it.
    """
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response
