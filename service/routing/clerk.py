"""The clerk: keeps the rules in force at hand, and says what they make of a verdict."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from service.ledger import Judgement, OpenSeries
from service.ledger.rules import Rulebooks
from service.routing.case import Case, case_of, circumstances_of
from service.routing.decision import Decision, decide
from service.routing.rulebook import EMPTY, Rulebook
from service.routing.text import UnfitRules, checked
from service.routing.views import Known, Ruling
from service.settings import Settings

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Clerk:
    """Safe for the one thread that judges."""

    rulebooks: Rulebooks
    settings: Callable[[], Settings]  # in force now
    _at_hand: tuple[int, Rulebook] = field(default=(0, EMPTY))

    def ruling(self, item: OpenSeries, judgement: Judgement) -> Callable[[Known], Ruling | None]:
        """Give what is asked once the ledger knows all of a verdict; None where nobody wrote rules."""
        version, rulebook = self._current()

        def rule(known: Known) -> Ruling | None:
            if not version:
                return None
            case = _case(item, judgement, known)
            settings = self.settings()
            link = link_of(settings.console_url, item.id)
            decision = decide(rulebook, case, settings.destination_names, link)
            return ruling_of(version, decision, shadow=settings.mode == "shadow")

        return rule

    def _current(self) -> tuple[int, Rulebook]:
        newest = self.rulebooks.newest()
        if newest != self._at_hand[0]:
            self._at_hand = newest, self._read(newest)
        return self._at_hand

    def _read(self, version: int) -> Rulebook:
        try:
            return checked(self.rulebooks.version(version).content)
        except UnfitRules:  # of another release: verdicts go on, as without rules
            log.exception("the rules cannot be read", extra={"revision": version})
            return EMPTY


def link_of(console_url: str, series_id: str) -> str:
    """Give where browsers find a series, "" where the settings do not tell the console's address."""
    return f"{console_url}/#/series/{series_id}" if console_url else ""


def ruling_of(version: int, decision: Decision, *, shadow: bool) -> Ruling:
    """Make what is written of what was decided."""
    assert decision.now is not None
    return Ruling(
        version=version,
        fired=[{"rule": rule.name, "mode": rule.mode} for rule in decision.fired],
        routes=decision.routes,
        orders=decision.orders,
        now=decision.now,
        shadow=shadow,
    )


def _case(item: OpenSeries, judgement: Judgement, known: Known) -> Case:
    around = circumstances_of(
        item.facts,
        provisional=judgement.closing.provisional,
        repeats=known.repeats,
        incomplete=judgement.closing.incomplete,
        conflict=item.conflict,
        generation=item.generation,
    )
    return case_of(
        verdict=judgement.verdict,
        at=known.at,
        reason=judgement.reason,
        advice=judgement.advice,
        quality=judgement.quality,
        facts=item.facts,
        around=around,
        scanner=known.scanner,
        series=item.id,
        series_number=item.facts.get("series_number"),
        generation=item.generation,
    )
