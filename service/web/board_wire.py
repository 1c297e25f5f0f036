"""The shapes of what the API says of scanners' boards, exams and, when asked, of whom they are."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from service.ledger_views import Verdict
from service.web.wire import SeriesAnswer


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ScannerAnswer(_Answer):
    """One scanner."""

    name: str = Field(description="The site's name, or a pseudonym")
    last_instance_at: datetime | None = Field(description="Null: nothing came yet")
    open: int = Field(description="Series on their way")
    verdict: Verdict = Field(description="The newest; empty where there is none")
    series: str | None = Field(description="The series that it is about")


class ScannerList(_Answer):
    """Every scanner that has a name or sent something, by name."""

    items: list[ScannerAnswer]


class MadeAnswer(_Answer):
    """One series of an exam."""

    series: SeriesAnswer
    began_at: datetime = Field(description="Arrival of its first image")
    repeats: str | None = Field(description="The series of this exam that it was made in place of")


class StepAnswer(_Answer):
    """A performed procedure step, as the scanner tells of it (MPPS)."""

    state: str = Field(description="Performed Procedure Step Status")
    opened_at: datetime
    ended_at: datetime | None
    series: int = Field(description="Series that it says it made")
    told: int = Field(description="Images that it says it made")
    never_came: int = Field(description="Of these, how many are not here")


class StudyAnswer(_Answer):
    """One exam: its series in the order of their arrival, and what the scanner tells of it."""

    id: str = Field(description="Opaque")
    items: list[MadeAnswer]
    steps: list[StepAnswer]


class PatientAnswer(_Answer):
    """Whose images a series is made of."""

    name: str = Field(description="PatientName, component groups as they came")
    number: str = Field(description="PatientID")
