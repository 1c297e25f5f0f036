"""What to tell the technologist of an artifact in a series: `advice.tsv` by traits, ranked, each with its cost."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from inference.series.situation import Situation, factors, traits, values
from inference.series.vocabulary import rows
from inference.text import UNSAID, Text, decimal, joined

PATH = Path(__file__).with_name("advice.tsv")
SOURCES = Path(__file__).with_name("advice_sources.tsv")
MOST_SAID = 3  # suggestions in one line
ANY = "*"
COSTS = {
    "snr": Text("less signal", "weniger Signal"),
    "sar": Text("more SAR", "mehr SAR"),
    "blur": Text("less sharp", "weniger scharf"),
    "resolution": Text("coarser", "gröbere Auflösung"),
    "te": Text("longer TE", "längere TE"),
    "contrast": Text("another contrast", "anderer Kontrast"),
    "distortion": Text("more distortion", "mehr Verzerrung"),
    "shift": Text("more shift of fat", "stärkere Fettverschiebung"),
    "moves": Text("moves the ghosts, does not end them", "verlagert die Geisterbilder, beseitigt sie nicht"),
    "coverage": Text("less coverage", "weniger Abdeckung"),
}

_NO_SCAN = Text("no new scan", "keine neue Messung")
_LONGER = Text("longer scan", "längere Messung")
_TIMES = Text("scan takes {factor} times as long", "Messung dauert {factor}-mal so lange")
_IN_PLACE = Text("scan takes about {time} in place of {took}", "Messung dauert etwa {time} statt {took}")
_REPEAT = Text("A repeat takes about {time}.", "Eine Wiederholung dauert etwa {time}.")
_NAMED = re.compile(r"\{(\w+)\}")
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to do about an artifact."""

    kind: str  # reconstruct, before, protocol, accept or service
    topic: str
    text: Text
    cost: Text  # in words; "" where it costs no more than a scan as it was
    seconds: float | None  # that a new scan takes with it; 0: none is needed; None: it is not told
    source: str  # where the fact stands


@dataclass(frozen=True, slots=True)
class Advice:
    """What is seen, and what may be done about it, best first."""

    lead: Text
    suggestions: tuple[Suggestion, ...]

    @property
    def line(self) -> Text:
        """All in one sentence: the lead and the best suggestions with what they cost."""
        told = (
            joined("", (one.text, " (", one.cost, ")")) if one.cost else one.text
            for one in self.suggestions[:MOST_SAID]
        )
        return joined("", (self.lead, ": ", joined("; ", told), "."))


class Row(NamedTuple):
    """One row of `advice.tsv`."""

    artifact: str
    kind: str
    topic: str
    when: frozenset[str]
    never: frozenset[str]
    text: Text
    time: str
    costs: tuple[str, ...]
    source: str

    def fits(self, known: frozenset[str]) -> bool:
        """Tell whether the row is for a series of these traits."""
        return self.when <= known and not self.never & known

    def told(self, named: Mapping[str, str], longer: Mapping[str, float]) -> bool:
        """Tell whether the header tells every value that the row names."""
        factor = self.time in longer or not self.time.isidentifier()
        return factor and all(name in named for name in _NAMED.findall(self.text))

    def factor(self, longer: Mapping[str, float]) -> float | None:
        """Give by what the scan gets longer; None where that is not told."""
        if self.time in ("+", "-"):
            return None
        return longer[self.time] if self.time in longer else float(self.time)


def advice_on(artifact: str, series: Situation) -> Advice:
    """Give the advice that makes sense for this series. Raises KeyError for an artifact of no row."""
    known, named, longer = traits(series), values(series), factors(series)
    fitting = [row for row in _table()[artifact] if row.fits(known) and row.told(named, longer)]
    first = {row.topic: row for row in reversed(fitting)}
    ranked = [row for row in fitting if first[row.topic] is row]
    lead = next(row.text for row in ranked if row.kind == "lead").filled(named)
    alone = [row for row in ranked if row.artifact == ANY]
    took = series.protocol.seconds
    return Advice(
        lead,
        tuple(
            _suggestion(row, named, row.factor(longer), took) for row in alone or ranked if row.kind != "lead"
        ),
    )


def repeat_time(series: Situation) -> Text:
    """Say how long a repeat takes, where a source tells; "" else."""
    seconds = series.protocol.seconds
    return UNSAID if seconds is None or series.timed else _REPEAT.filled({"time": clock(seconds)})


def clock(seconds: float) -> str:
    """Say a time to five seconds, as on the scanner: "2:40"; "45 s" where it is shorter than a minute."""
    rounded = max(5, round(seconds / 5) * 5)
    return f"{rounded} s" if rounded < _MINUTE else f"{rounded // 60}:{rounded % 60:02}"


def _suggestion(row: Row, named: Mapping[str, str], factor: float | None, took: float | None) -> Suggestion:
    time = _time_words(row, factor, took)
    return Suggestion(
        row.kind,
        row.topic,
        row.text.filled(named),
        joined(", ", (*time, *(COSTS[cost] for cost in row.costs))),
        0.0 if factor == 0 else None if factor is None or took is None else took * factor,
        sources()[row.source],
    )


def _time_words(row: Row, factor: float | None, took: float | None) -> Iterator[Text]:
    if row.kind == "reconstruct":
        yield _NO_SCAN
    elif factor is None:
        yield _LONGER
    elif factor > 1 and took is None:
        yield _TIMES.filled({"factor": decimal(f"{factor:.3g}")})
    elif factor > 1 and took is not None:
        yield _IN_PLACE.filled({"time": clock(took * factor), "took": clock(took)})


@cache
def sources() -> dict[str, str]:
    """Give the works by the keys of the table."""
    return {row[0]: row[1] for row in rows(SOURCES, 2)}


@cache
def _table() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for artifact, kind, topic, when, text, german, time, costs, source in rows(PATH, 9):
        words = [] if when == "-" else when.split()
        row = Row(
            artifact,
            kind,
            topic,
            frozenset(word for word in words if not word.startswith("!")),
            frozenset(word[1:] for word in words if word.startswith("!")),
            Text(text, german),
            time,
            tuple([] if costs == "-" else costs.split()),
            source,
        )
        found.setdefault(artifact, []).append(row)
    shared = found.pop(ANY)
    return {artifact: [*shared, *own] for artifact, own in found.items()}
