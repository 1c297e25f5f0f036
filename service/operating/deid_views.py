"""What the de-identification log tells: names of attributes and counts, never a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tallied:
    """In how many instances one thing was done to one attribute."""

    profile: str
    attribute: str  # the Standard's keyword, or a kind of what has none
    action: str
    instances: int
    first_at: float = 0.0  # s since the epoch
    last_at: float = 0.0


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A profile in force."""

    name: str
    sources: tuple[str, ...]  # calling AE titles that it is for; empty for the live one: all others
    edition: str  # of the Standard, and its hash: another one after every change of what is done
    options: tuple[tuple[str, str], ...]  # code and meaning
    dates: str  # REMOVED, MODIFIED, UNMODIFIED
    attributes: Mapping[str, int]  # how many attributes it does what with, by action


@dataclass(frozen=True, slots=True)
class DoorCounts:
    """What never became an image, or was taken away again."""

    erased: int  # instances with text in their pixels, erased before they were scored
    refused: Sequence[tuple[str, int]]  # by reason, of those that are kept
    skipped: Sequence[tuple[str, int]]  # the same of sound objects that are not scored
