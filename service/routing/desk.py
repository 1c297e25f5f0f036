"""The desk of site rules: what people read, write and try out, over the ledger and the settings in force."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from dicom_scp.deidentify import Deidentifier
from dicom_scp.part10 import opened
from service.bootstrap import Foundation, deidentifier, scanner_book
from service.ledger.errand_desk import ErrandDesk
from service.ledger.rules import Rulebooks
from service.naming import Screen, Screening
from service.reception import ScannerBook
from service.routing.case import Case, circumstances_of
from service.routing.decision import Decision, decide
from service.routing.file import FileState, RulesFile
from service.routing.names import Names
from service.routing.rulebook import EMPTY, Rulebook, plain
from service.routing.text import Problem, UnfitRules, checked, parse, write
from service.routing.views import ErrandView, Origin, PastCase, Version
from service.settings import Settings
from service.understanding import Understanding, described


@dataclass(frozen=True, slots=True)
class Tried:
    """What rules would make of a verdict of the past."""

    past: PastCase
    decision: Decision


@dataclass(frozen=True, slots=True)
class RulesDesk:
    """Everything that the page and the commands do with rules."""

    rulebooks: Rulebooks
    errands: ErrandDesk
    settings: Callable[[], Settings]  # in force now
    deidentifier: Deidentifier
    scanners: Callable[[], ScannerBook]
    understanding: Understanding
    screen: Screening

    @classmethod
    def of(cls, foundation: Foundation, force: Callable[[], Settings]) -> Self:
        """Give the desk of a house; `force` gives the settings in force."""
        return cls(
            rulebooks=Rulebooks(foundation.database, time.time),
            errands=ErrandDesk(foundation.database, time.time),
            settings=force,
            deidentifier=deidentifier(foundation),
            scanners=lambda: scanner_book(foundation, force()),
            understanding=Understanding(),
            screen=Screen.of(foundation.database, foundation.vault),
        )

    @property
    def names(self) -> Names:
        """What rules may name."""
        return Names.of(self.settings())

    def read(self, content: str | Mapping[str, Any]) -> Rulebook:
        """Read rules, as TOML or as plain values. Raises UnfitRules."""
        return parse(content, self.names) if isinstance(content, str) else checked(content, self.names)

    def in_force(self) -> tuple[Version | None, Rulebook, Sequence[Problem]]:
        """Give the rules in force, and what is wrong with them by now. Those that cannot be read are empty."""
        version = self.rulebooks.in_force()
        if version is None:
            return None, EMPTY, ()
        try:
            rulebook = checked(version.content)
        except UnfitRules as error:
            return version, EMPTY, error.problems
        try:
            checked(version.content, self.names)
        except UnfitRules as error:
            return version, rulebook, error.problems
        return version, rulebook, ()

    def toml(self, number: int) -> str:
        """Write a version as a rules' file. Raises NoVersion and UnfitRules."""
        return write(checked(self.rulebooks.version(number).content))

    def save(
        self, rulebook: Rulebook, *, seen: int | None, by: str, why: str, origin: Origin = "page"
    ) -> Version:
        """Put rules into force as a new version. Raises ChangedMeanwhile and NamesSomebody."""
        self.screen(why, by, [])
        return self.rulebooks.saved(plain(rulebook), seen=seen, author=by, why=why, origin=origin)

    def restore(self, number: int, *, seen: int | None, by: str, why: str) -> Version:
        """Put an old version into force again, as a new one. Raises as `save`, NoVersion and UnfitRules."""
        rulebook = self.read(self.rulebooks.version(number).content)
        return self.save(rulebook, seen=seen, by=by, why=why, origin="restore")

    def file(self) -> tuple[FileState, str]:
        """Compare the rules' file with the rules in force."""
        return RulesFile(self.settings().rules_path, self.rulebooks, self.names).state()

    def dry_run(self, rulebook: Rulebook, last: int) -> list[Tried]:
        """Say what rules would have made of the last verdicts, newest first; nothing is done."""
        known = self.settings().destination_names
        return [Tried(past, decide(rulebook, past.case, known)) for past in self.rulebooks.past(last)]

    def tried(self, rulebook: Rulebook, case: Case) -> Decision:
        """Say what rules would make of a case; nothing is done."""
        return decide(rulebook, case, self.settings().destination_names)

    def look_after(self, errand_id: int, what: Literal["retry", "discard"], by: str) -> ErrandView | None:
        """Let an order be tried now, or never; None where it is done already, or there is none."""
        return (self.errands.retried if what == "retry" else self.errands.discarded)(errand_id, by)

    def described(self, content: bytes, case: Case) -> Case:
        """Give the case of a DICOM file, with the verdict of `case`; the file is not kept. Raises Refused."""
        file = opened(content)
        instance = self.deidentifier(file.encoded, file.transfer_syntax)
        facts = self.understanding.facts(instance)
        around = circumstances_of(
            facts, provisional=False, repeats=False, incomplete=False, conflict=False, generation=1
        )
        return replace(
            case,
            about=described(facts),
            scanner=self.scanners().entry(instance)[1],
            series_number=instance.facts.series_number,
            circumstances=around | case.circumstances,
        )
