"""The files of one series: which slices they hold, which of them are scored, and what became of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.geometry import Why
from inference.masks import MaskStack
from inference.places import Part
from inference.score import QualityScore, SliceScore, Unscored, not_scored
from inference.stacks import sample
from inference.summary import summarise
from inference.text import UNSAID, Text

_UNREAD = Text("no image could be read", "kein Bild ließ sich lesen")

Order = tuple[bool, float, int, int, int, int]
"""Where a slice stands in its series: by position, else by instance number, then by file, frame and tile."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One slice that the network saw."""

    sop_instance_uid: str  # as in the input
    instance_number: int | None
    order: Order
    shape: tuple[int, int]  # rows, columns
    score: SliceScore
    masks: MaskStack | None  # None where none are to be written
    path: Path  # of the file it came from


@dataclass(frozen=True, slots=True)
class Held:
    """One slice of a file."""

    order: Order
    part: Part


@dataclass(slots=True)
class Group:
    """The files of one series, and what became of their slices."""

    facts: Mapping[str, Any]  # clean, with the description
    files: list[tuple[Path, tuple[Held, ...]]] = field(default_factory=list[tuple[Path, tuple[Held, ...]]])
    digests: set[str] = field(
        default_factory=set[str]
    )  # of the images: one that lies there twice counts once
    reasons: Counter[Text] = field(default_factory=Counter[Text])  # why slices were not scored
    suited: list[Seen] = field(default_factory=list[Seen])
    aside: list[Seen] = field(default_factory=list[Seen])  # seen for their masks alone
    unscored: list[tuple[Order, Unscored]] = field(default_factory=list[tuple[Order, Unscored]])
    failed: bool = False  # an image could not be read or scored

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [path for path, _ in self.files]

    @property
    def n_slices(self) -> int:
        """How many slices there are."""
        return sum(len(held) for _, held in self.files)

    def add(
        self, path: Path, parts: Iterable[Part], *, position: float | None, instance_number: int | None
    ) -> None:
        """Add a file of these parts."""
        start = (position is None, position or 0.0, instance_number or 0, len(self.files))
        self.files.append((path, tuple(Held((*start, part.frame, part.tile), part) for part in parts)))

    def chosen(self, volumes: int) -> set[Order]:
        """Name the slices to score: of a series in time at most so many volumes of each kind and echo."""
        every = sorted((held for _, those in self.files for held in those), key=lambda held: held.order)
        places = [held.part.place for held in every]
        unplaced = {held.order for held in every if held.part.place is None}
        return unplaced | {every[n].order for n in sample(places, (), volumes, whole=True)}

    def lost(self, held: Held, why: Why, reason: Text = UNSAID) -> None:
        """Note a slice that gets no score."""
        self.unscored.append((held.order, Unscored(held.part.place, why)))
        if reason:
            self.reasons[reason] += 1
        self.failed = self.failed or why in ("unreadable", "erased")

    def quality(self) -> QualityScore:
        """Sum up what was scored; where nothing was, the commonest reason says why."""
        if self.suited:
            return summarise([slice_ for _, slice_ in sorted(self._slices(), key=lambda each: each[0])])
        commonest = self.reasons.most_common(1)
        return not_scored(commonest[0][0] if commonest else _UNREAD, n_slices=self.n_slices)

    def _slices(self) -> Iterator[tuple[Order, SliceScore | Unscored]]:
        yield from ((seen.order, seen.score) for seen in self.suited)
        yield from self.unscored
