"""Which series people look at again."""

from dataclasses import replace

import pytest

from inference.reference import Statement
from inference.verdict import Verdict
from service.review.second_look import Nomination, Sampling, disagrees, nominated
from tests.unit.service.review.reviewing import quality

NONE = Sampling(usable=0.0, alerts=0.0, second=0.0)
ALL = Sampling(usable=1.0, alerts=1.0, second=1.0)
GOOD = quality(9.0)


def test_what_the_model_is_not_sure_of_is_looked_at() -> None:
    check = nominated("u", Verdict.CHECK, quality(5.0, found=("motion",)), NONE)
    assert check == Nomination(("check",), 1.0, blind=False, again=False, artifacts=("motion",))
    unscored = nominated("u", Verdict.NOT_SCORED, GOOD, NONE)
    assert unscored is not None
    assert unscored.why == ("abstained",)
    assert nominated("u", Verdict.NOT_SCORED, GOOD, ALL, skipped=True) is None
    assert nominated("u", Verdict.USABLE, GOOD, NONE) is None
    assert nominated("u", Verdict.REPEAT, GOOD, NONE) is None


def test_evidence_at_odds_is_a_reason() -> None:
    says = Statement("spike", "disagrees", 1.0, 0.0, 9.0, decisive=True, reason="")
    odd = quality(3.0, found=("spike",))
    at_odds = replace(
        odd, findings=tuple(replace(one, evidence=(says,)) if one.present else one for one in odd.findings)
    )
    found = nominated("u", Verdict.CHECK, at_odds, NONE)
    assert found is not None
    assert found.why == ("check", "at odds")


@pytest.mark.parametrize("verdict", [Verdict.USABLE, Verdict.CHECK, Verdict.REPEAT])
def test_what_is_drawn_is_blind_and_has_its_probability(verdict: Verdict) -> None:
    found = nominated("u", verdict, GOOD, replace(ALL, usable=1.0))
    assert found is not None
    assert found.why[-1] == "control"
    assert (found.blind, found.again, found.share) == (True, True, 1.0)
    open_eyed = nominated("u", verdict, GOOD, replace(ALL, blind="none"))
    assert open_eyed is not None
    assert not open_eyed.blind


def test_a_share_is_drawn_and_judging_again_draws_the_same() -> None:
    some = Sampling(usable=0.03, alerts=0.2, second=0.1)
    drawn = [uid for uid in map(str, range(20_000)) if nominated(uid, Verdict.USABLE, GOOD, some)]
    assert 0.026 < len(drawn) / 20_000 < 0.034
    assert all(nominated(uid, Verdict.USABLE, GOOD, some) for uid in drawn[:20])
    told = nominated(drawn[0], Verdict.USABLE, GOOD, some)
    assert told is not None
    assert (told.share, told.why) == (0.03, ("control",))
    again = [one for uid in drawn if (one := nominated(uid, Verdict.USABLE, GOOD, some)) and one.again]
    assert 0.05 < len(again) / len(drawn) < 0.16, "the second draw does not hang on the first"


def test_only_what_is_against_the_verdict_is_an_objection() -> None:
    assert disagrees("wrong alarm", "Repeat")
    assert not disagrees("wrong alarm", "Usable")
    assert not disagrees("agreed", "Check")
