"""The shapes of the de-identification log's answers: names and counts, never a value."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class DeidOption(_Answer):
    """One thing that a profile claims, as (0012,0064) has it."""

    code: str
    meaning: str


class ProfileAnswer(_Answer):
    """A profile in force."""

    name: str
    sources: list[str] = Field(description="Calling AE titles that it is for; none: all others, or research")
    edition: str = Field(description="Of the Standard's table, and a digest that changes with the profile")
    options: list[DeidOption]
    dates: str = Field(description="REMOVED, MODIFIED or UNMODIFIED, as (0028,0303) has it")
    attributes: dict[str, int] = Field(description="Attributes that it does something with, by what it does")


class ReasonCount(_Answer):
    """How often something was not taken for one reason."""

    reason: str
    count: int


class DeidAnswer(_Answer):
    """What takes the identity off, and what was kept out."""

    profiles: list[ProfileAnswer]
    erased: int = Field(description="Instances erased because text was found in their pixels")
    refused: list[ReasonCount] = Field(description="Objects that the door refused, of those that are kept")
    skipped: list[ReasonCount] = Field(description="Sound objects that are not scored and were not kept")


class TalliedAnswer(_Answer):
    """In how many instances one thing was done to one attribute."""

    attribute: str = Field(description="The Standard's keyword, or a kind of what has none")
    action: str
    instances: int
    first_at: datetime
    last_at: datetime


class TallyAnswer(_Answer):
    """What a profile did, the commonest first."""

    items: list[TalliedAnswer]
