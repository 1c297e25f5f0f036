"""The catalogue of what only a series shows: what each finding is called, how it is coded, what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from inference.text import Text, texts_of, with_german


@dataclass(frozen=True, slots=True)
class SeriesCheck:
    """One kind of finding that needs the whole series, as people and PACS know it."""

    name: str
    title: Text
    scheme: str  # Coding Scheme Designator (0008,0102)
    code: str  # Code Value (0008,0100)
    meaning: str  # Code Meaning (0008,0104)
    doubtful: bool  # whether a series that shows it is Check; else it is only told
    advice: Text


# DCM codes: PS3.16 CID 6315; RadLex 4. None of them alone says Repeat: a person looks first.
CHECKS: tuple[SeriesCheck, ...] = (
    SeriesCheck(
        name="missing",
        title=Text("Missing slices", "Schichten fehlen"),
        scheme="99SCANSIDE",
        code="MISSING",
        meaning="Missing slices",
        doubtful=True,
        advice=Text(
            "Slices are missing between others: send the series again; if the scanner has not got them, repeat.",
            "Zwischen anderen fehlen Schichten: Serie erneut senden; fehlen sie auch am Scanner, wiederholen.",
        ),
    ),
    SeriesCheck(
        name="spacing",
        title=Text("Uneven spacing", "Schichtabstand ungleich"),
        scheme="99SCANSIDE",
        code="SPACING",
        meaning="Uneven slice spacing",
        doubtful=False,
        advice=Text(
            "The distance between slices changes: reformats and measurements across slices will be wrong.",
            "Der Schichtabstand wechselt: Rekonstruktionen und Messungen über Schichten hinweg werden falsch.",
        ),
    ),
    SeriesCheck(
        name="coverage",
        title=Text("Incomplete coverage", "Abdeckung unvollständig"),
        scheme="DCM",
        code="130576",
        meaning="Anatomy coverage incomplete",
        doubtful=False,
        advice=Text(
            "The anatomy goes on beyond the slices or the field of view: see whether the region of interest is in.",
            "Die Anatomie reicht über Schichten oder FOV hinaus: prüfen, ob die Zielregion erfasst ist.",
        ),
    ),
    SeriesCheck(
        name="misalignment",
        title=Text("Misalignment", "Schichten versetzt"),
        scheme="RADLEX",
        code="RID39413",
        meaning="Registration misalignment",
        doubtful=True,
        advice=Text(
            "Neighbouring slices do not fit: the patient moved between them. Remind and settle the patient.",
            "Benachbarte Schichten passen nicht zueinander: Patient hat sich dazwischen bewegt. Ans Stillhalten "
            "erinnern und bequem lagern.",
        ),
    ),
    SeriesCheck(
        name="interleave",
        title=Text("Interleave steps", "Helligkeitssprünge zwischen Schichtpaketen"),
        scheme="99SCANSIDE",
        code="INTERLEAVE",
        meaning="Odd-even slice intensity step",
        doubtful=True,
        advice=Text(
            "Odd and even slices differ in brightness: movement between the packages, or cross-talk. A larger gap "
            "or more packages lessen it.",
            "Gerade und ungerade Schichten sind verschieden hell: Bewegung zwischen den Paketen oder Cross-Talk. "
            "Größerer Schichtabstand oder mehr Pakete mindern es.",
        ),
    ),
    SeriesCheck(
        name="dropout",
        title=Text("Slice drop-out", "Signalausfall einer Schicht"),
        scheme="99SCANSIDE",
        code="DROPOUT",
        meaning="Slice signal drop-out",
        doubtful=True,
        advice=Text(
            "A slice lost its signal against its neighbours: movement during its excitation, usual in diffusion.",
            "Eine Schicht hat gegen ihre Nachbarn Signal verloren: Bewegung bei der Anregung, bei Diffusion häufig.",
        ),
    ),
    SeriesCheck(
        name="crossing",
        title=Text("Crossing slice groups", "Schichtgruppen kreuzen sich"),
        scheme="RADLEX",
        code="RID11491",
        meaning="Slice cross talk artifact",
        doubtful=False,
        advice=Text(
            "Slice groups cross inside the body and leave dark bands there: tilt or shift a group off the region of "
            "interest.",
            "Schichtgruppen kreuzen sich im Körper und hinterlassen dort dunkle Bänder: eine Gruppe kippen oder aus "
            "der Zielregion schieben.",
        ),
    ),
)
BY_NAME: Mapping[str, SeriesCheck] = {check.name: check for check in CHECKS}


@dataclass(frozen=True, slots=True)
class SeriesFact:
    """What one check found."""

    check: str
    present: bool
    value: float | None  # how much, in the unit of `detail`; None where the check does not apply
    detail: Text  # what was found, or why the check does not apply
    slices: tuple[int, ...] = ()  # positions in the series that show it, worst first

    @property
    def doubtful(self) -> bool:
        """Whether a person should look at the series because of it."""
        return self.present and BY_NAME[self.check].doubtful

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return with_german(asdict(self), "detail") | {"slices": list(self.slices)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        known: dict[str, Any] = {**texts_of(values, "detail"), "slices": tuple(values["slices"])}
        return cls(**known)


def fact(name: str, *, present: bool, value: float, detail: Text, slices: Sequence[int] = ()) -> SeriesFact:
    """Say what a check found; `slices` count where it is present."""
    return SeriesFact(name, present, float(f"{value:.4g}"), detail, tuple(slices) if present else ())


def not_known(name: str, why: Text) -> SeriesFact:
    """Say why a check does not apply."""
    return SeriesFact(name, present=False, value=None, detail=why)
