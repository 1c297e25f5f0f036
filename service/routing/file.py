"""The rules' file at the start: taken in where it changed and nobody has changed the rules otherwise meanwhile."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.ledger import Database
from service.ledger.rules import ChangedMeanwhile, Rulebooks, digest_of
from service.routing.names import Names
from service.routing.rulebook import plain
from service.routing.text import UnfitRules, parse
from service.routing.views import Version

FileState = Literal["none", "same", "known", "new", "differs", "unfit"]
"""No file; it says what is in force; it is as it was taken in last, and people have changed the rules since; it has
changed and may be taken in; it has changed, and so have people the rules; it cannot be used."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RulesFile:
    """The file, as it is beside the rules in force."""

    path: Path
    rulebooks: Rulebooks
    names: Names

    def state(self) -> tuple[FileState, str]:
        """Compare it, and say what is wrong where it cannot be used."""
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return "none", ""
        except (OSError, UnicodeError) as error:
            return "unfit", f"cannot be read ({type(error).__name__})"
        try:
            digest = digest_of(plain(parse(text, self.names)))
        except UnfitRules as error:
            return "unfit", str(error)
        return self._compared(digest, self.rulebooks.in_force()), ""

    def _compared(self, digest: str, current: Version | None) -> FileState:
        if current is not None and current.digest == digest:
            return "same"
        if self.rulebooks.last_file() == digest:
            return "known"
        return "new" if current is None or current.origin == "file" else "differs"

    def taken_in(self) -> FileState:
        """Take it in where it is new; else say in the log why not. Gives the state that it had."""
        state, why = self.state()
        facts = {"kind": state, "reason": why}
        if state == "new":
            try:
                made = self._saved()
            except ChangedMeanwhile:  # another worker started, too
                return self.state()[0]
            log.info("rules taken in from their file", extra={"revision": made.number})
        elif state == "differs":
            log.warning("the rules' file is not taken in: people have changed the rules", extra=facts)
        elif state == "unfit":
            log.error("the rules' file cannot be used", extra=facts)
        return state

    def _saved(self) -> Version:
        seen = self.rulebooks.newest()
        content = plain(parse(self.path.read_text("utf-8"), self.names))
        why = f"{self.path.name} changed"
        return self.rulebooks.saved(content, seen=seen, author="the file", why=why, origin="file")


def rules_file(path: Path, database: Database, names: Names) -> RulesFile:
    """Give the rules' file of a house."""
    return RulesFile(path, Rulebooks(database, time.time), names)
