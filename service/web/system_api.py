"""The API: how the house stands, what is stopped, shadow mode, and the bundle for support."""

import time
from collections.abc import Mapping
from tempfile import SpooledTemporaryFile
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Response

from service.ledger.states import OUTSTANDING
from service.naming import NamesSomebody
from service.operating.node_views import Pause
from service.operating.system import AlwaysLive, NothingLikeIt, OtherAccepted
from service.parts.part import ALIVE_S
from service.web.access import Commissioner, Operator, Reader, StatusReader
from service.web.answers import instant, model_answer
from service.web.deps import HouseOf
from service.web.house import House
from service.web.problems import documented
from service.web.system_wire import (
    AcceptanceAnswer,
    DestinationState,
    DiskAnswer,
    Maintenance,
    NewAcceptance,
    NewPause,
    PartState,
    PauseAnswer,
    QueueAnswer,
    SystemAnswer,
    ToAccept,
)

router = APIRouter(prefix="/api/v1", tags=["system"])

IN_MEMORY = 4 * 2**20  # bytes of a bundle; what is longer goes through a file
What = Annotated[
    str,
    Path(
        pattern=r"^(scoring|to:[A-Za-z0-9][A-Za-z0-9 ._-]{0,31})$", description="scoring, or to:DESTINATION"
    ),
]
_ZIP: dict[int | str, dict[str, object]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/maintenance", summary="What everybody has to know", responses=documented(401, 403))
def get_maintenance(house: HouseOf, _caller: Reader) -> Maintenance:
    """Tell whether anything leaves, and what is stopped."""
    return Maintenance(mode=house.system.mode(), pauses=[_pause(one) for one in house.system.pauses()])


@router.get("/system", summary="How the house stands", responses=documented(401, 403))
def get_system(house: HouseOf, _caller: StatusReader) -> SystemAnswer:
    """Tell of processes, disk, queues, destinations, model, thresholds, and what is stopped."""
    system, counts, now = house.system, house.ledger.counts(), time.time()
    standing, accepted, disk = system.acceptance(), system.accepted, system.disk()
    waiting = {
        "score": counts.slices_waiting,
        "close": counts.series.get("settling", 0),
        "report": counts.series.get("complete", 0),
        "deliver": counts.deliveries.get("waiting", 0),
    }
    return SystemAnswer(
        product=house.product,
        version=house.version,
        now=instant(now),
        mode=system.mode(),
        file_mode=system.file.mode,
        acceptance=None
        if standing is None
        else AcceptanceAnswer(
            at=instant(standing.at), by=standing.by, current=standing.digest == accepted.digest()
        ),
        to_accept=ToAccept(
            digest=accepted.digest(), thresholds=dict(accepted.thresholds), model=accepted.model
        ),
        checks=dict(house.ready()),
        parts=_parts(house, now),
        disk=DiskAnswer(free=disk.free, total=disk.total, least=disk.least),
        queues=[QueueAnswer(name=name, waiting=count) for name, count in waiting.items()],  # type: ignore[arg-type]  # these four
        oldest_waiting_s=counts.oldest_waiting_s,
        destinations=_destinations(house),
        pauses=[_pause(one) for one in system.pauses()],
        model=None if house.model is None else model_answer(house.model),
    )


@router.put(
    "/pauses/{what}", summary="Stop something", status_code=204, responses=documented(401, 403, 404, 413)
)
def pause(what: What, house: HouseOf, caller: Operator, given: NewPause) -> None:
    """Stop scoring, or what leaves for a destination, once what is under way is done; images are received still."""
    try:
        house.system.pause(what, caller.name, given.reason)
    except NothingLikeIt as error:
        raise HTTPException(404, str(error)) from error
    except NamesSomebody as error:
        raise HTTPException(422, str(error)) from error


@router.delete(
    "/pauses/{what}", summary="Let something go on", status_code=204, responses=documented(401, 403, 404)
)
def resume(what: What, house: HouseOf, caller: Operator) -> None:
    """Let it go on."""
    try:
        house.system.resume(what, caller.name)
    except NothingLikeIt as error:
        raise HTTPException(404, str(error)) from error


@router.put(
    "/acceptance",
    summary="Accept thresholds and model, and go live",
    status_code=204,
    responses=documented(401, 403, 409, 412, 413),
)
def accept(house: HouseOf, caller: Commissioner, given: NewAcceptance) -> None:
    """Take a site whose settings say shadow live, for as long as thresholds and model stay what they are."""
    try:
        house.system.accept(given.digest, caller.name)
    except AlwaysLive as error:
        raise HTTPException(409, str(error)) from error
    except OtherAccepted as error:
        raise HTTPException(412, str(error)) from error


@router.delete(
    "/acceptance",
    summary="Go back to shadow mode",
    status_code=204,
    responses=documented(401, 403, 404, 409),
)
def withdraw(house: HouseOf, caller: Commissioner) -> None:
    """Take back the acceptance: nothing leaves any more."""
    try:
        house.system.withdraw(caller.name)
    except AlwaysLive as error:
        raise HTTPException(409, str(error)) from error
    except NothingLikeIt as error:
        raise HTTPException(404, str(error)) from error


@router.get(
    "/support",
    summary="The bundle for support",
    response_class=Response,
    responses=_ZIP | documented(401, 403),
)
def get_support(house: HouseOf, _caller: Operator) -> Response:
    """Give a ZIP of settings without secrets, versions, states and figures; nothing of any patient is in it."""
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        house.system.support(file)
        file.seek(0)
        content = file.read()
    name = f"scanside-support-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/zip", headers=headers)


def _pause(one: Pause) -> PauseAnswer:
    return PauseAnswer(
        what=one.what, at=instant(one.at), by=one.by, reason=one.reason, under_way=one.under_way
    )


def _text(facts: Mapping[str, object], name: str) -> str:
    value = facts.get(name)
    return value if isinstance(value, str) else ""


def _parts(house: House, now: float) -> list[PartState]:
    return [
        PartState(
            name=part.name,
            kind=_text(part.facts, "kind"),
            version=_text(part.facts, "version"),
            pid=part.pid,
            since=instant(part.started_at),
            silent_s=max(0.0, now - part.heartbeat_at),
            alive=now - part.heartbeat_at < ALIVE_S,
            provider=_text(part.facts, "provider"),
        )
        for part in house.ledger.parts()
    ]


def _destinations(house: House) -> list[DestinationState]:
    in_force = house.system.roster().destination_names
    found: dict[str, dict[str, int]] = {name: {} for name in in_force}
    for (name, state), count in house.deliveries.desk.counts().items():
        if state in OUTSTANDING:
            found.setdefault(name, {})[state] = count
    return [
        DestinationState(name=name, in_force=name in in_force, outstanding=states)
        for name, states in sorted(found.items())
    ]
