"""The shapes of what is asked and answered about the house as a whole."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.web.wire import ModelAnswer


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class NewPause(_Asked):
    """Why something stops."""

    reason: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$"
        ),
    ] = Field(description="Everybody sees it: no patient's name or number")


class PauseAnswer(_Answer):
    """Something that does not go on until a person says so."""

    what: str = Field(description="scoring, or to:DESTINATION")
    at: datetime
    by: str
    reason: str
    under_way: int = Field(description="What was begun before, and is finished still")


class Maintenance(_Answer):
    """What everybody has to know who looks at a page."""

    mode: Literal["live", "shadow"]
    pauses: list[PauseAnswer]


class PartState(_Answer):
    """A process of the house."""

    name: str
    kind: str
    version: str
    pid: int
    since: datetime
    silent_s: float
    alive: bool
    provider: str = Field(description="Execution provider in use; empty where it scores nothing")


class DiskAnswer(_Answer):
    """The disk under the state folder, in bytes."""

    free: int
    total: int
    least: int = Field(description="Below it instances are refused")


class QueueAnswer(_Answer):
    """What waits for a step."""

    name: Literal["score", "close", "report", "deliver"]
    waiting: int


class DestinationState(_Answer):
    """What is outstanding at a destination."""

    name: str
    in_force: bool = Field(
        description="False: neither the settings nor the console name it, and it gets nothing"
    )
    outstanding: dict[str, int] = Field(description="By state")


class AcceptanceAnswer(_Answer):
    """By this a site in shadow mode went live."""

    at: datetime
    by: str
    current: bool = Field(description="It is of the thresholds and the model in use; else it does not count")


class ToAccept(_Answer):
    """What verdicts are made by now."""

    digest: str
    thresholds: dict[str, float]
    model: str = Field(description="SHA-256")


class NewAcceptance(_Asked):
    """What is accepted."""

    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of what was looked at")


class SystemAnswer(_Answer):
    """How the house stands."""

    product: str
    version: str
    now: datetime
    mode: Literal["live", "shadow"]
    file_mode: Literal["live", "shadow"] = Field(description="As the settings say; live stays live")
    acceptance: AcceptanceAnswer | None
    to_accept: ToAccept
    checks: dict[str, bool | str]
    parts: list[PartState]
    disk: DiskAnswer
    queues: list[QueueAnswer]
    oldest_waiting_s: float | None
    destinations: list[DestinationState]
    pauses: list[PauseAnswer]
    model: ModelAnswer | None
