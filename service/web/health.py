"""Is it alive, is it ready, how much of what: for supervisors and Prometheus."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from service.access import Permission
from service.ledger.database import LedgerUnavailable
from service.web.access import PUBLIC, MetricsReader, anyone
from service.web.deps import HouseOf
from service.web.house import House
from service.web.problems import documented, problem

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    alive: bool = True


class Ready(BaseModel):
    """Everything that a series needs is there."""

    ready: bool = True
    checks: dict[str, bool | str]


@router.get("/livez", summary="Is the process alive", responses=documented(), dependencies=[PUBLIC])
async def livez() -> Alive:
    """Answer, whatever the rest of the service does."""
    return Alive()


@router.get(
    "/readyz",
    summary="Can a series be taken and scored",
    response_model=Ready,
    responses=documented(),
    dependencies=[PUBLIC],
)
def readyz(request: Request, house: HouseOf) -> Ready | Response:
    """Check database, disk, model and listener; what is wrong is told to those who may see the status."""
    checks = dict(house.ready())
    good = all(value is True for value in checks.values())
    if not _sees_status(request, house):
        checks = {}
    if good:
        return Ready(checks=checks)
    request_id = str(request.scope.get("request_id", ""))
    return problem(503, "Not everything is ready.", request_id=request_id, checks=checks)


def _sees_status(request: Request, house: House) -> bool:
    try:
        return Permission.STATUS in anyone(request, house).permissions
    except LedgerUnavailable:
        return False


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text format",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **documented(401, 403),
    },
)
def metrics(house: HouseOf, _caller: MetricsReader) -> Response:
    """Give every metric in Prometheus' text format."""
    return Response(generate_latest(house.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
