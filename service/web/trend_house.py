"""What the pages of trends and search are handed; every method may block and is called in a thread."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from service.trends import Measure
from service.trends.views import (
    BandView,
    Bucket,
    DriftView,
    FoundSeries,
    Group,
    Period,
    Presence,
    Query,
    Selection,
    TrendRow,
)


class Trends(Protocol):
    """The judged series as thousands."""

    def groups(self, scanner_name: str = "", /) -> Sequence[Group]:
        """Give the scanners, protocols and coils that there are, most series first; of one scanner or of all."""
        ...

    def course(self, selection: Selection, measure: Measure, period: Period, /) -> Sequence[Bucket]:
        """Give a measure over time, oldest first; days or weeks without a series are left out."""
        ...

    def presence(self, selection: Selection, /) -> Sequence[Presence]:
        """Give how often each artifact was found, in the catalogue's order."""
        ...

    def rows(self, selection: Selection, /) -> Iterator[TrendRow]:
        """Give the judged series, oldest first."""
        ...

    def drifts(self, scanner_name: str = "", /) -> Sequence[DriftView]:
        """Give how far each measure has moved: alarms first, the farthest first."""
        ...


class Bands(Protocol):
    """The reference bands that were learnt."""

    def of(self, scanner_name: str, protocol: str, /) -> Sequence[BandView]:
        """Give the bands of a scanner and protocol, by metric."""
        ...

    def of_series(self, series_id: str, /) -> Sequence[BandView]:
        """Give the bands that are those of a series."""
        ...


class Search(Protocol):
    """Series by what they are."""

    def page(
        self, query: Query, limit: int, cursor: str | None = None, /
    ) -> tuple[Sequence[FoundSeries], str | None]:
        """Give what is searched for, newest first, and the next page's cursor; raises BadCursor."""
        ...

    def rows(self, query: Query, /) -> Iterator[FoundSeries]:
        """Give all that is searched for."""
        ...
