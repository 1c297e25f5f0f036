"""Answers that are files: streamed while they are read, named for the shelf of a download folder."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import StreamingResponse

from service.access import Caller
from service.access.audit import exported
from service.exports import Cell, csv_lines, json_lines
from service.ledger.audit import AuditBook
from service.operating.audit_views import Entry

Format = Annotated[Literal["csv", "json"], Query(description="Of the file")]
FILE: dict[int | str, dict[str, object]] = {
    200: {
        "description": "The file, written while it is read",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    }
}


def file_of(
    name: str,
    kind: Literal["csv", "json"],
    header: Sequence[str],
    rows: Iterator[Sequence[Cell]],
    by: Caller,
    audit: AuditBook,
) -> StreamingResponse:
    """Answer rows as a file; who takes what is noted before the first byte leaves."""
    exported(name, kind, by.name)
    audit.noted(Entry("exported", by.name, name, detail={"form": kind}))
    write, media = (
        (csv_lines, "text/csv; charset=utf-8") if kind == "csv" else (json_lines, "application/json")
    )
    disposition = f'attachment; filename="scanside-{name}.{kind}"'
    return StreamingResponse(
        write(header, rows),
        media_type=media,
        headers={"Content-Disposition": disposition, "Cache-Control": "no-store"},
    )
