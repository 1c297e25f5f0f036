"""What people stop and start: scoring, what leaves for a destination, and the step from shadow mode to live."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage
from typing import IO, Literal

from service.ledger import Control
from service.ledger.control import SCORING, TO
from service.naming import Screening
from service.operating.acceptance import Accepted
from service.operating.node_views import Acceptance, Pause
from service.operating.nodes import Roster
from service.settings import Settings

LONGEST_REASON = 200


class NothingLikeIt(LookupError):
    """There is nothing of this name that could be stopped."""


class OtherAccepted(ValueError):
    """Thresholds or model are others than those that were looked at: look again."""


class AlwaysLive(ValueError):
    """The settings file says live: only a site whose settings say shadow is taken live here, and back."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk under the state folder, in bytes."""

    free: int
    total: int
    least: int  # below it instances are refused


@dataclass(frozen=True, slots=True)
class System:
    """The switches of the house."""

    control: Control
    file: Settings  # without what the console keeps
    roster: Roster
    accepted: Accepted  # what verdicts are made by now
    support: Callable[[IO[bytes]], None]  # writes the bundle for support
    screen: Screening

    def mode(self) -> Literal["live", "shadow"]:
        """Tell whether anything leaves."""
        return self.roster().mode

    def disk(self) -> Disk:
        """Measure the disk."""
        folder = self.file.state_dir if self.file.state_dir.exists() else Path("/")
        usage = disk_usage(folder)
        return Disk(usage.free, usage.total, self.file.min_free_mb * 2**20)

    def pauses(self) -> list[Pause]:
        """List what is stopped."""
        return self.control.pauses()

    def pause(self, what: str, by: str, reason: str) -> None:
        """Stop scoring, or what leaves for a destination; what is under way ends.

        Raises NothingLikeIt and NamesSomebody.
        """
        if what != SCORING and what.removeprefix(TO) not in self.roster.fresh().destination_names:
            raise NothingLikeIt(NothingLikeIt.__doc__)
        self.screen(reason, by, [])
        self.control.paused(what, by, reason)

    def resume(self, what: str, by: str) -> None:
        """Let it go on. Raises NothingLikeIt where it was not stopped."""
        if not self.control.resumed(what, by):
            raise NothingLikeIt(NothingLikeIt.__doc__)

    def acceptance(self) -> Acceptance | None:
        """Give the acceptance that stands, which counts only while it is of what is in use now."""
        return self.control.standing()

    def accept(self, digest: str, by: str) -> Acceptance:
        """Go live with the thresholds and the model of this digest. Raises AlwaysLive and OtherAccepted."""
        if self.file.mode == "live":
            raise AlwaysLive(AlwaysLive.__doc__)
        if digest != self.accepted.digest():
            raise OtherAccepted(OtherAccepted.__doc__)
        made = self.control.accepted(digest, self.accepted.told(), by)
        self.roster.fresh()
        return made

    def withdraw(self, by: str) -> None:
        """Go back to shadow mode. Raises AlwaysLive, and NothingLikeIt where no acceptance stands."""
        if self.file.mode == "live":
            raise AlwaysLive(AlwaysLive.__doc__)
        if not self.control.withdrawn(by):
            raise NothingLikeIt(NothingLikeIt.__doc__)
        self.roster.fresh()
