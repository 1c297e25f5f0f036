"""What site rules look at: one verdict on one series, in plain values and free of identity."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from inference.series import Description
from service.rules import circumstances
from service.understanding import described

Circumstance = Literal["provisional", "repeats", "incomplete", "timed", "revised", "conflict"]
CIRCUMSTANCES: tuple[Circumstance, ...] = get_args(Circumstance)
"""More may come; it repeats a failed one; instances are missing; contrast or dynamics; a late image made it
anew; two images carry one UID."""


@dataclass(frozen=True, slots=True)
class Found:
    """An artifact that is present in a series."""

    severity: float  # 0..1
    probability: float  # 0..1


@dataclass(frozen=True, slots=True)
class Case:
    """One verdict, what it is about, and when it was given."""

    verdict: str  # Usable, Check, Repeat, Not scored
    at: float  # s since the epoch
    index: float | None = None  # 0..10
    suitability: float | None = None  # 0..1
    reason: str = ""
    advice: tuple[str, ...] = ()
    artifacts: Mapping[str, Found] = field(default_factory=dict[str, Found])  # present ones, by name
    checks: frozenset[str] = frozenset()  # what only the whole series shows and is present, by name
    scanner: str = ""
    about: Description = field(default_factory=Description)
    circumstances: frozenset[Circumstance] = frozenset()
    series: str = ""  # opaque id
    series_number: int | None = None
    generation: int = 1


def circumstances_of(
    facts: Mapping[str, Any],
    *,
    provisional: bool,
    repeats: bool,
    incomplete: bool,
    conflict: bool,
    generation: int,
) -> frozenset[Circumstance]:
    """Name the circumstances of a verdict from the facts of its series and what the ledger knows."""
    held: Mapping[Circumstance, bool] = {
        "provisional": provisional,
        "repeats": repeats,
        "incomplete": incomplete,
        "timed": circumstances(facts).timed,
        "revised": generation > 1,
        "conflict": conflict,
    }
    return frozenset(name for name in CIRCUMSTANCES if held[name])


def case_of(  # noqa: PLR0913  # what a verdict consists of
    *,
    verdict: str,
    at: float,
    reason: str,
    advice: Collection[str],
    quality: Mapping[str, Any],
    facts: Mapping[str, Any],
    around: frozenset[Circumstance],
    scanner: str,
    series: str,
    series_number: int | None,
    generation: int,
) -> Case:
    """Make the case of a verdict as it is written down (`QualityScore.to_json`, `Facts.to_json`)."""
    return Case(
        verdict=verdict,
        at=at,
        index=quality.get("index"),
        suitability=quality.get("suitability"),
        reason=reason,
        advice=tuple(advice),
        artifacts={
            found["artifact"]: Found(found["severity"], found["probability"])
            for found in quality.get("findings", ())
            if found["present"]
        },
        checks=frozenset(fact["check"] for fact in quality.get("geometry", ()) if fact["present"]),
        scanner=scanner,
        about=described(facts),
        circumstances=around,
        series=series,
        series_number=series_number,
        generation=generation,
    )
