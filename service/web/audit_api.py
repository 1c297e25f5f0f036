"""The API: the audit log, on pages, checked, and as a file."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.exports import Cell
from service.operating.audit_views import AuditQuery, AuditRow
from service.web.access import AuditReader
from service.web.answers import instant
from service.web.api import PAGED, link_next
from service.web.audit_wire import AuditCheck, AuditFault, AuditKinds, AuditPage, AuditRowAnswer
from service.web.deps import Cursor, HouseOf, Limit
from service.web.files import FILE, Format, file_of
from service.web.problems import documented

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

HEADER = ("id", "at", "actor", "address", "what", "subject", "result", "detail", "previous", "digest")


def _asked(
    actor: Annotated[str, Query(max_length=80, description="Who did it; empty: anybody")] = "",
    what: Annotated[str, Query(max_length=80, description="What was done; empty: anything")] = "",
    subject: Annotated[str, Query(max_length=100, description="To what; empty: anything")] = "",
    since: Annotated[datetime | None, Query(description="Not before this instant")] = None,
    until: Annotated[datetime | None, Query(description="Before this instant")] = None,
) -> AuditQuery:
    return AuditQuery(actor, what, subject, _epoch(since), _epoch(until))


def _epoch(at: datetime | None) -> float | None:
    try:
        return None if at is None else at.timestamp()
    except (OverflowError, ValueError, OSError) as error:  # by the clock of a site that has no such day
        raise HTTPException(404, "There are no rows of such a day.") from error


@router.get("", summary="What was done, newest first", responses=PAGED | documented(401, 403, 404))
def list_audit(
    request: Request,
    response: Response,
    house: HouseOf,
    _caller: AuditReader,
    query: Annotated[AuditQuery, Depends(_asked)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AuditPage:
    """List rows of the audit log."""
    rows, following = house.audit.book.page(limit, cursor, query)
    link_next(request, response, following)
    return AuditPage(items=[_answer(row) for row in rows], next_cursor=following)


@router.get("/kinds", summary="What the audit log tells of", responses=documented(401, 403))
def list_kinds(house: HouseOf, _caller: AuditReader) -> AuditKinds:
    """List what was ever done, for the filter of a page."""
    return AuditKinds(items=house.audit.book.kinds())


@router.get("/check", summary="Whether the audit log is whole", responses=documented(401, 403))
def check_audit(house: HouseOf, _caller: AuditReader) -> AuditCheck:
    """Go through the chain of all rows, as `scanside audit verify` does."""
    found = house.audit.check()
    return AuditCheck(
        sound=found.sound,
        rows=found.rows,
        first=found.first,
        head=0 if found.head is None else found.head.id,
        digest="" if found.head is None else found.head.digest,
        faults=[AuditFault(id=fault.id, told=fault.told) for fault in found.faults],
    )


@router.get(
    "/export",
    summary="The audit log as a file",
    response_class=StreamingResponse,
    responses=FILE | documented(401, 403, 404),
)
def export_audit(
    house: HouseOf,
    caller: AuditReader,
    query: Annotated[AuditQuery, Depends(_asked)],
    format: Format = "csv",  # noqa: A002 - the word of the query
) -> StreamingResponse:
    """Give the rows that are asked for, oldest first, with the digests by which the chain can be checked."""
    return file_of(
        "audit", format, HEADER, map(exported, house.audit.book.rows(query)), caller, house.audit.book
    )


def exported(row: AuditRow) -> Sequence[Cell]:
    """Give a row for a file, in the order of `HEADER`."""
    at = instant(row.at).isoformat()
    told = (row.actor, row.address, row.what, row.subject, row.result, row.detail, row.previous, row.digest)
    return (row.id, at, *told)


def _answer(row: AuditRow) -> AuditRowAnswer:
    return AuditRowAnswer(
        id=row.id,
        at=instant(row.at),
        actor=row.actor,
        address=row.address,
        what=row.what,
        subject=row.subject,
        result=row.result,
        detail=_detail(row.detail),
        digest=row.digest,
    )


def _detail(text: str) -> dict[str, object]:
    """Read what a row tells; one that was tampered with, which the check names, must not hide all others."""
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
