"""The de-identification log: the profiles in force, and what was done to which attributes how often."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydicom.datadict import keyword_for_tag

from dicom_scp.cleaning import Acted
from dicom_scp.profile import Action, Profile
from dicom_scp.ps3_15 import CODES, SOURCE
from service.ledger.deid import SKIPPED, DeidTally
from service.operating.deid_views import ProfileView, Tallied

PRIVATE, OVERLAY, CURVE, UNKNOWN = "private element", "overlay element", "curve element", "unknown element"


class Tally:
    """Counts at the door, and notes it now and then; safe for threads."""

    def __init__(self, ledger: DeidTally) -> None:
        self._ledger = ledger
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()

    def done(self, profile: str, acted: Iterable[Acted]) -> None:
        """Count what was done in one object."""
        told = {(profile, attribute(tag), str(action)) for tag, action in acted}
        with self._lock:
            self._counts.update(told)

    def skipped(self, reason: str) -> None:
        """Count an object that is sound and not scored."""
        with self._lock:
            self._counts["", reason, SKIPPED] += 1

    def note(self) -> None:
        """Write down what was counted. Raises LedgerUnavailable; what is not noted then is counted again."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            self._ledger.done([Tallied(*key, instances=n) for key, n in sorted(counts.items())])
        except Exception:
            with self._lock:
                self._counts.update(counts)
            raise


def attribute(tag: int) -> str:
    """Name an attribute by the Standard's keyword; what has none by its kind alone, for numbers may tell."""
    if tag & 0x10000:
        return PRIVATE
    group = tag >> 24
    if group == 0x60:
        return OVERLAY
    if group == 0x50:
        return CURVE
    return keyword_for_tag(tag) or UNKNOWN


@dataclass(frozen=True, slots=True)
class DeidLog:
    """What the page shows."""

    tally: DeidTally
    profiles: Mapping[str, Profile]  # in force, by name
    sources: Mapping[str, Sequence[str]]  # calling AE titles by profile

    def views(self) -> list[ProfileView]:
        """Describe the profiles in force."""
        return [
            ProfileView(
                name=profile.name,
                sources=tuple(self.sources.get(profile.name, ())),
                edition=f"{_edition()}, {_digest(profile)}",
                options=tuple(sorted(CODES[option] for option in profile.options)),
                dates=profile.dates,
                attributes=dict(sorted(Counter(str(rule.action) for rule in profile.rules.values()).items())),
            )
            for profile in self.profiles.values()
        ]


def _edition() -> str:
    """Read the edition of the Standard from the first line of its table."""
    with SOURCE.open(encoding="utf-8") as file:
        return file.readline().strip("# \n")


def _digest(profile: Profile) -> str:
    told = sorted((tag, str(rule.action)) for tag, rule in profile.rules.items())
    return hashlib.sha256(repr((told, sorted(profile.options), len(Action))).encode()).hexdigest()[:12]


Tell = Callable[[str, Iterable[Acted]], None]
