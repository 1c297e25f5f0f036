"""The API: the de-identification log."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path

from service.operating.deid_views import ProfileView, Tallied
from service.web.access import StatusReader
from service.web.answers import instant
from service.web.deid_wire import (
    DeidAnswer,
    DeidOption,
    ProfileAnswer,
    ReasonCount,
    TalliedAnswer,
    TallyAnswer,
)
from service.web.deps import HouseOf
from service.web.problems import documented

router = APIRouter(prefix="/api/v1/deidentification", tags=["de-identification"])

ProfileName = Annotated[str, Path(pattern=r"^[A-Za-z0-9._ -]{1,64}$", description="Of a profile")]


@router.get("", summary="What takes the identity off, and what was kept out", responses=documented(401, 403))
def show_deidentification(house: HouseOf, _caller: StatusReader) -> DeidAnswer:
    """Show the profiles in force, with what was erased, refused and passed over."""
    door = house.deid.tally.at_the_door()
    return DeidAnswer(
        profiles=[_profile(view) for view in house.deid.views()],
        erased=door.erased,
        refused=_reasons(door.refused),
        skipped=_reasons(door.skipped),
    )


@router.get("/{profile}", summary="What was done to which attributes", responses=documented(401, 403, 404))
def show_tally(house: HouseOf, _caller: StatusReader, profile: ProfileName) -> TallyAnswer:
    """Count the instances in which each attribute was acted on; values are never kept."""
    if profile not in house.deid.profiles:
        raise HTTPException(404, "There is no such profile.")
    return TallyAnswer(items=[_tallied(one) for one in house.deid.tally.tallied(profile)])


def _profile(view: ProfileView) -> ProfileAnswer:
    return ProfileAnswer(
        name=view.name,
        sources=list(view.sources),
        edition=view.edition,
        options=[DeidOption(code=code, meaning=meaning) for code, meaning in view.options],
        dates=view.dates,
        attributes=dict(view.attributes),
    )


def _reasons(counts: Sequence[tuple[str, int]]) -> list[ReasonCount]:
    return [ReasonCount(reason=reason, count=count) for reason, count in counts]


def _tallied(one: Tallied) -> TalliedAnswer:
    return TalliedAnswer(
        attribute=one.attribute,
        action=one.action,
        instances=one.instances,
        first_at=instant(one.first_at),
        last_at=instant(one.last_at),
    )
