"""The API: results on their way, what people do about them, and series that wait for a decision."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from pydantic import AwareDatetime

from service.ledger import Deed, NoDispute
from service.ledger.desk import KeyUsed
from service.ledger_views import DeedView, DeliveryKind, DeliverySelection, DeliveryState
from service.operating.deliveries import Refused, request_digest
from service.web import answers, wire
from service.web.access import DeliveryKeeper, DeliveryReader, StatusReader
from service.web.answers import instant
from service.web.api import PAGED, link_next
from service.web.deliveries_wire import (
    Decision,
    DeedAnswer,
    DeedEntry,
    DeedList,
    DeliveryCount,
    DeliveryCounts,
    DisputeAnswer,
    DisputeList,
    NewDeed,
)
from service.web.deps import Cursor, HouseOf, IdempotencyKey, Limit, SeriesId
from service.web.problems import documented

router = APIRouter(prefix="/api/v1")

NO_DELIVERY = "There is no such delivery."
LATEST = 50  # deeds that are listed


def _selection(
    series: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9._-]{1,80}$", description="Only those of this series")
    ] = None,
    destination: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}$", description="Only those to this one")
    ] = None,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state")] = None,
    kind: Annotated[DeliveryKind | None, Query(description="Only those of this kind")] = None,
    posted_before: Annotated[AwareDatetime | None, Query(description="Only those posted earlier")] = None,
) -> DeliverySelection:
    return DeliverySelection(
        destination=destination,
        state=state,
        series_id=series,
        kind=kind,
        before=None if posted_before is None else posted_before.timestamp(),
    )


@router.get("/deliveries", summary="Results on their way", tags=["deliveries"], responses=PAGED)
def list_deliveries(
    request: Request,
    response: Response,
    house: HouseOf,
    caller: DeliveryReader,
    selection: Annotated[DeliverySelection, Depends(_selection)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> wire.DeliveryPage:
    """List the deliveries, a page at a time."""
    views, following = house.ledger.deliveries_page(limit, cursor, selection, caller.scanner)
    link_next(request, response, following)
    return wire.DeliveryPage(items=[answers.delivery_answer(view) for view in views], next_cursor=following)


@router.get(
    "/deliveries/counts",
    summary="How many results are in which state",
    tags=["deliveries"],
    responses=documented(401, 403),
)
def count_deliveries(house: HouseOf, _caller: StatusReader) -> DeliveryCounts:
    """Count all deliveries by destination and state."""
    return DeliveryCounts(
        items=[
            DeliveryCount(destination=destination, state=state, count=count)  # type: ignore[arg-type]  # as it is kept
            for (destination, state), count in sorted(house.deliveries.desk.counts().items())
        ],
        destinations=sorted(house.deliveries.settings().destination_names),
    )


@router.get(
    "/deliveries/{delivery_id}/deeds",
    summary="What people did to a delivery",
    tags=["deliveries"],
    responses=documented(401, 403, 404),
)
def list_deeds_of(
    delivery_id: Annotated[str, Path(pattern=r"^[0-9]{1,18}$", description="Opaque id of a delivery")],
    house: HouseOf,
    caller: DeliveryReader,
) -> DeedList:
    """Tell who did what to a delivery and why, oldest first."""
    found = house.deliveries.desk.history(int(delivery_id))
    if found is None or (caller.scanner and house.ledger.scanner_of(found[0]) != caller.scanner):
        raise HTTPException(404, NO_DELIVERY)
    return DeedList(items=[_entry(view) for view in found[1]])


@router.get(
    "/deeds", summary="What people did to deliveries", tags=["deliveries"], responses=documented(401, 403)
)
def list_deeds(house: HouseOf, _caller: StatusReader) -> DeedList:
    """Tell the last deeds, newest first."""
    return DeedList(items=[_entry(view) for view in house.deliveries.desk.latest(LATEST)])


@router.post(
    "/deeds",
    summary="Do something to deliveries",
    tags=["deliveries"],
    status_code=201,
    responses=documented(400, 401, 403, 409, 413),
)
def do(house: HouseOf, caller: DeliveryKeeper, given: NewDeed, key: IdempotencyKey) -> DeedAnswer:
    """Resend, hold, release, discard or move deliveries, a thousand at a time or all that a filter gives.

    Those to which it does not apply, or to which it was done before, stay as they are.
    """
    of = given.of
    selection = DeliverySelection(
        ids=tuple(map(int, given.ids)),
        destination=of.destination,
        state=of.state,
        series_id=of.series,
        before=None if of.posted_before is None else of.posted_before.timestamp(),
        kind=of.kind,
    )
    deed = Deed(given.what, caller.name, given.reason, key, request_digest(given.what, selection, given.to))
    try:
        done = house.deliveries.act(deed, selection, given.to)
    except Refused as error:
        raise HTTPException(400, f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    except KeyUsed as error:
        raise HTTPException(409, str(error)) from error
    return DeedAnswer(changed=done.changed, left=done.left)


@router.get(
    "/disputes",
    summary="Series that wait for a decision",
    tags=["deliveries"],
    responses=documented(401, 403),
)
def list_disputes(house: HouseOf, _caller: StatusReader) -> DisputeList:
    """List series whose results wait for a person: two images under one UID, or images of two people."""
    return DisputeList(
        items=[
            DisputeAnswer(
                series=one.id,
                scanner=one.scanner,
                series_number=one.series_number,
                opened_at=instant(one.opened_at),
                images=one.images,
                identities=one.bearers,
            )
            for one in house.disputes.open()
        ]
    )


@router.put(
    "/disputes/{series_id}/decision",
    summary="Decide a dispute",
    tags=["deliveries"],
    status_code=204,
    responses=documented(401, 403, 404, 413),
)
def decide(series_id: SeriesId, house: HouseOf, caller: DeliveryKeeper, given: Decision) -> None:
    """Let the first or the last image stand under each UID; the series is judged anew, and its results leave."""
    try:
        house.disputes.decided(series_id, given.keep, caller.name)
    except NoDispute as error:
        raise HTTPException(404, str(error)) from error


def _entry(view: DeedView) -> DeedEntry:
    return DeedEntry(
        what=view.what,
        by=view.by,
        at=instant(view.at),
        reason=view.reason,
        changed=view.changed,
        left=view.left,
    )
