"""Rows as files for people's spreadsheets and programs: CSV that no spreadsheet takes for a formula, and JSON.

What makes a spreadsheet compute is OWASP's list (CSV Injection): a cell that begins with = + - @, a tab or a line
break, full-width forms of them included. Some programs split at semicolons or tabs whatever the quotes say, so that
a cell may also begin in the middle of a text.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from math import isfinite

Cell = str | float | bool | None


class Numbers(str):
    """Numbers, truth values as 1 and 0, and nulls, as one JSON array: the cells of a row that a database wrote."""

    __slots__ = ()

    @property
    def in_csv(self) -> str:
        """The same cells in CSV; what is not known is empty."""
        return self[1:-1].replace("null", "").replace(" ", "")


CHUNK = 1000  # lines that are sent together
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HARMLESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:*()+-]*")  # what most texts are made of
# Blanks of any kind and characters without width may stand before what counts.
_FORMULA = re.compile(r"(^|[,;|])([\s\u200b-\u200f\u2060\ufeff\"']*)([=+\-@\uff1d\uff0b\uff0d\uff20\u2212])")


def harmless(text: str) -> str:
    """Give a text that is a text to every spreadsheet: in one line, an apostrophe before what could be a formula."""
    return _FORMULA.sub(r"\1'\2\3", _BREAKS.sub(" ", text))


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Write CSV (RFC 4180, UTF-8) in pieces: texts are quoted and made harmless, numbers stay numbers.

    Truth values are 1 and 0; what is not known, or is no finite number, is empty. The last cell may be `Numbers`.
    """
    return _pieces((",".join(map(_in_csv, header)) + "\r\n",), map(_csv_line, rows), ())


def json_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Write one JSON array of objects in pieces, an object a line; what is no finite number is null."""
    names = [json.dumps(name, ensure_ascii=False) for name in header]
    objects = (_json_line(names, row) for row in rows)
    between = (f"{',' if place else ''}\n{each}" for place, each in enumerate(objects))
    return _pieces(("[",), between, ("\n]\n",))


def _csv_line(row: Sequence[Cell]) -> str:
    """Write a row; numbers with a fraction are written in place."""
    if isinstance(row[-1], Numbers):
        return f"{_csv_line(row[:-1])[:-2]},{row[-1].in_csv}\r\n"
    line = ",".join([repr(cell) if cell.__class__ is float else _in_csv(cell) for cell in row])
    if _maybe_not_finite(line):
        line = ",".join([_in_csv(None if _is_not_finite(cell) else cell) for cell in row])
    return line + "\r\n"


def _json_line(names: Sequence[str], row: Sequence[Cell]) -> str:
    if isinstance(row[-1], Numbers):
        row = (*row[:-1], *json.loads(row[-1]))
    line = ",".join(
        [
            f"{name}:{cell!r}" if cell.__class__ is float else f"{name}:{_in_json(cell)}"
            for name, cell in zip(names, row, strict=True)
        ]
    )
    if _maybe_not_finite(line):
        known = (None if _is_not_finite(cell) else cell for cell in row)
        line = ",".join(f"{name}:{_in_json(cell)}" for name, cell in zip(names, known, strict=True))
    return f"{{{line}}}"


def _maybe_not_finite(line: str) -> bool:
    """Look cheaply for how nan, inf and -inf are written."""
    return "nan" in line or "inf" in line


def _is_not_finite(cell: Cell) -> bool:
    return isinstance(cell, float) and not isfinite(cell)


@lru_cache(maxsize=1 << 14, typed=True)
def _in_csv(cell: Cell) -> str:
    """Write a text in quotes, a number, or nothing."""
    if isinstance(cell, str):
        if _HARMLESS.fullmatch(cell):
            return f'"{cell}"'
        quoted = harmless(cell).replace('"', '""')
        return f'"{quoted}"'
    if cell is None:
        return ""
    return repr(cell) if isinstance(cell, float) else str(int(cell))


@lru_cache(maxsize=1 << 14, typed=True)
def _in_json(cell: Cell) -> str:
    return json.dumps(cell, ensure_ascii=False)


def _pieces(first: Iterable[str], lines: Iterable[str], last: Iterable[str]) -> Iterator[bytes]:
    """Put lines together to pieces that are worth sending."""
    every = chain(first, lines, last)
    while some := list(islice(every, CHUNK)):
        yield "".join(some).encode()
