"""The shapes of what is asked and answered about deliveries and disputes."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from service.ledger_views import DeliveryKind, DeliveryState

MOST_IDS = 1_000  # deliveries of one request

DeliveryId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")]
DestinationName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}$")]
OpaqueId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,80}$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Chosen(_Asked):
    """Deliveries to which all that is given applies."""

    destination: DestinationName | None = None
    state: DeliveryState | None = None
    kind: DeliveryKind | None = None
    series: OpaqueId | None = None
    posted_before: AwareDatetime | None = None


class NewDeed(_Asked):
    """What to do, to which deliveries, and why."""

    what: Literal["resend", "hold", "release", "discard", "move"]
    reason: Reason = Field(description="Kept in clear text: no patient's name or number")
    ids: list[DeliveryId] = Field(default=[], max_length=MOST_IDS)
    of: Chosen = Field(default=Chosen(), description="In place of ids, or to narrow them down")
    to: DestinationName | None = Field(default=None, description="For move: the destination to go to")


class DeedAnswer(_Answer):
    """What came of it."""

    changed: int = Field(description="Deliveries to which it applied")
    left: int = Field(description="Deliveries that stay as they are: their built objects have been let go")


class DeedEntry(_Answer):
    """What somebody did."""

    what: str
    by: str
    at: datetime
    reason: str
    changed: int
    left: int


class DeedList(_Answer):
    """What people did."""

    items: list[DeedEntry]


class DeliveryCount(_Answer):
    """How many deliveries to a destination are in a state."""

    destination: str
    state: DeliveryState
    count: int


class DeliveryCounts(_Answer):
    """Deliveries by destination and state."""

    items: list[DeliveryCount]
    destinations: list[str] = Field(
        description="Those in force; others are in the way of nobody, and get nothing"
    )


class DisputeAnswer(_Answer):
    """A series whose results wait for a person."""

    series: str
    scanner: str
    series_number: int | None
    opened_at: datetime
    images: int = Field(description="SOP Instance UIDs that came with more than one image")
    identities: int = Field(description="How many identities its images came under")


class DisputeList(_Answer):
    """Disputes, the oldest first."""

    items: list[DisputeAnswer]


class Decision(_Asked):
    """Which image stands under each UID that came with two; all images are of whom the series is of now."""

    keep: Literal["first", "last"]
