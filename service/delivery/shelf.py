"""A shelf as a destination: results stay in the house until a client comes for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.delivery.base import Answer, Letter, Study


@dataclass(frozen=True, slots=True)
class ShelfSpace:
    """A place for results; their sealed files are where they have to be already."""

    name: str

    @property
    def doubts_after_s(self) -> None:
        """Never: nothing leaves."""
        return

    def open(self, letters: Sequence[Letter]) -> "ShelfSpace":  # noqa: ARG002 - a shelf is always open
        """Do nothing: a shelf is always open."""
        return self

    def doubt(self, study: Study) -> str:  # noqa: ARG002 - the protocol's
        """Believe it."""
        return ""

    def tried(self) -> tuple[bool, str]:
        """Tell that it is always there."""
        return True, "results can be fetched"

    def deliver(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Answer]]:
        """Say that they can be fetched."""
        return ((letter, Answer("can be fetched", taken=True)) for letter in letters)

    def close(self) -> None:
        """Do nothing: nothing was opened."""
