"""Rows as files for people's spreadsheets and programs: CSV that no spreadsheet takes for a formula, and JSON.

What makes a spreadsheet compute is OWASP's list (CSV Injection): a cell that begins with = + - @, a tab or a line
break, full-width forms of them included. Some programs split at semicolons or tabs whatever the quotes say, so that
a cell may also begin in the middle of a text.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from math import isfinite

Cell = str | float | bool | None

CHUNK = 500  # rows that are sent together
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Blanks of any kind and characters without width may stand before what counts.
_FORMULA = re.compile(r"(^|[,;|])([\s\u200b-\u200f\u2060\ufeff\"']*)([=+\-@\uff1d\uff0b\uff0d\uff20\u2212])")


def harmless(text: str) -> str:
    """Give a text that is a text to every spreadsheet: in one line, an apostrophe before what could be a formula."""
    return _FORMULA.sub(r"\1'\2\3", _BREAKS.sub(" ", text))


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Write CSV (RFC 4180, UTF-8) in pieces: texts are quoted and made harmless, numbers stay numbers.

    Truth values are 1 and 0; what is not known, or is no finite number, is empty.
    """
    sink = StringIO()
    writer = csv.writer(sink, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([harmless(name) for name in header])
    for count, row in enumerate(rows, start=1):
        writer.writerow([_cell(cell) for cell in row])
        if count % CHUNK == 0:
            yield _taken(sink)
    yield _taken(sink)


def json_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Write one JSON array of objects in pieces, an object a line; what is no finite number is null."""
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    piece: list[str] = []
    start = "[\n"
    for row in rows:
        known = {
            name: None if isinstance(cell, float) and not isfinite(cell) else cell
            for name, cell in zip(header, row, strict=True)
        }
        piece.append(start + encode(known))
        start = ",\n"
        if len(piece) == CHUNK:
            yield "".join(piece).encode()
            piece.clear()
    yield ("".join(piece) + ("[]\n" if start == "[\n" else "\n]\n")).encode()


def _cell(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return harmless(cell)
    if isinstance(cell, bool):
        return int(cell)
    return cell if cell is not None and isfinite(cell) else ""


def _taken(sink: StringIO) -> bytes:
    """Give what was written, and begin anew."""
    written = sink.getvalue().encode()
    sink.seek(0)
    sink.truncate()
    return written
