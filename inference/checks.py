"""The catalogue of what only a series shows: what each finding is called, how it is coded, what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class SeriesCheck:
    """One kind of finding that needs the whole series, as people and PACS know it."""

    name: str
    title: str
    scheme: str  # Coding Scheme Designator (0008,0102)
    code: str  # Code Value (0008,0100)
    meaning: str  # Code Meaning (0008,0104)
    doubtful: bool  # whether a series that shows it is Check; else it is only told
    advice: str


# DCM codes: PS3.16 CID 6315; RadLex 4. None of them alone says Repeat: a person looks first.
CHECKS: tuple[SeriesCheck, ...] = (
    SeriesCheck(
        name="missing",
        title="Missing slices",
        scheme="99SCANSIDE",
        code="MISSING",
        meaning="Missing slices",
        doubtful=True,
        advice="Slices are missing between others: send the series again; if the scanner has not got them, repeat.",
    ),
    SeriesCheck(
        name="spacing",
        title="Uneven spacing",
        scheme="99SCANSIDE",
        code="SPACING",
        meaning="Uneven slice spacing",
        doubtful=False,
        advice="The distance between slices changes: reformats and measurements across slices will be wrong.",
    ),
    SeriesCheck(
        name="coverage",
        title="Incomplete coverage",
        scheme="DCM",
        code="130576",
        meaning="Anatomy coverage incomplete",
        doubtful=False,
        advice="The anatomy goes on beyond the slices or the field of view: see whether the region of interest is in.",
    ),
    SeriesCheck(
        name="misalignment",
        title="Misalignment",
        scheme="RADLEX",
        code="RID39413",
        meaning="Registration misalignment",
        doubtful=True,
        advice="Neighbouring slices do not fit: the patient moved between them. Remind and settle the patient.",
    ),
    SeriesCheck(
        name="interleave",
        title="Interleave steps",
        scheme="99SCANSIDE",
        code="INTERLEAVE",
        meaning="Odd-even slice intensity step",
        doubtful=True,
        advice="Odd and even slices differ in brightness: movement between the packages, or cross-talk. A larger gap "
        "or more packages lessen it.",
    ),
    SeriesCheck(
        name="dropout",
        title="Slice drop-out",
        scheme="99SCANSIDE",
        code="DROPOUT",
        meaning="Slice signal drop-out",
        doubtful=True,
        advice="A slice lost its signal against its neighbours: movement during its excitation, usual in diffusion.",
    ),
    SeriesCheck(
        name="crossing",
        title="Crossing slice groups",
        scheme="RADLEX",
        code="RID11491",
        meaning="Slice cross talk artifact",
        doubtful=False,
        advice="Slice groups cross inside the body and leave dark bands there: tilt or shift a group off the region of "
        "interest.",
    ),
)
BY_NAME: Mapping[str, SeriesCheck] = {check.name: check for check in CHECKS}


@dataclass(frozen=True, slots=True)
class SeriesFact:
    """What one check found."""

    check: str
    present: bool
    value: float | None  # how much, in the unit of `detail`; None where the check does not apply
    detail: str  # what was found, or why the check does not apply
    slices: tuple[int, ...] = ()  # positions in the series that show it, worst first

    @property
    def doubtful(self) -> bool:
        """Whether a person should look at the series because of it."""
        return self.present and BY_NAME[self.check].doubtful

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return asdict(self) | {"slices": list(self.slices)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        known: dict[str, Any] = {**values, "slices": tuple(values["slices"])}
        return cls(**known)


def fact(name: str, *, present: bool, value: float, detail: str, slices: Sequence[int] = ()) -> SeriesFact:
    """Say what a check found; `slices` count where it is present."""
    return SeriesFact(name, present, float(f"{value:.4g}"), detail, tuple(slices) if present else ())


def not_known(name: str, why: str) -> SeriesFact:
    """Say why a check does not apply."""
    return SeriesFact(name, present=False, value=None, detail=why)
