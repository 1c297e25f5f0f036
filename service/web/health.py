"""Is it alive, is it ready, how much of what: for supervisors and Prometheus."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from service.web.deps import HouseOf
from service.web.problems import documented, problem

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    alive: bool = True


class Ready(BaseModel):
    """Everything that a series needs is there."""

    ready: bool = True
    checks: dict[str, bool | str]


@router.get("/livez", summary="Is the process alive", responses=documented())
async def livez() -> Alive:
    """Answer, whatever the rest of the service does."""
    return Alive()


@router.get(
    "/readyz", summary="Can a series be taken and scored", response_model=Ready, responses=documented()
)
def readyz(request: Request, house: HouseOf) -> Ready | Response:
    """Check database, disk, model and listener."""
    checks = dict(house.ready())
    if all(value is True for value in checks.values()):
        return Ready(checks=checks)
    request_id = str(request.scope.get("request_id", ""))
    return problem(503, "Not everything is ready.", request_id=request_id, checks=checks)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text format",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **documented(),
    },
)
def metrics(house: HouseOf) -> Response:
    """Give every metric in Prometheus' text format."""
    return Response(generate_latest(house.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
