"""What site rules make of a verdict: conditions on made-up cases, routes, alerts; pure."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.artifacts import NAMES
from inference.series import Answer, Description
from inference.text import Text
from service.routing import CIRCUMSTANCES, Case, Found, Rulebook, decide, plain, schema
from service.routing.conditions import TERMS, WEEKDAYS
from service.routing.decision import Route
from service.routing.text import UnfitRules, parse, write
from service.routing.wording import USUAL, Message, message_of, withdrawn
from tests.rules import ROOT, RULES

VERDICTS = ("Usable", "Check", "Repeat", "Not scored")
FRIDAY_23 = datetime(2026, 11, 20, 23, 0, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
HOUR = 3600.0
BRAIN = Description.of([Answer("weighting", "T2"), Answer("part", "BRAIN")], 3.0)
CASE = Case("Repeat", FRIDAY_23, 2.4, 0.2, artifacts={"motion": Found(0.6, 0.9)}, scanner="MR 1", about=BRAIN)

shares = st.floats(0, 1)


def ranges(kind: str, top: float) -> st.SearchStrategy[dict[str, Any]]:
    bound = st.floats(0, top, allow_nan=False)
    return (
        st.tuples(bound, bound)
        .filter(lambda two: two[0] != two[1])
        .map(lambda two: {"kind": kind, "at_least": min(two), "below": max(two)})
    )


def names(kind: str, known: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    chosen = st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True)
    return chosen.map(lambda some: {"kind": kind, "one_of": some})


clocks = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda two: f"{two[0]:02}:{two[1]:02}")
simple = st.one_of(
    names("verdict", VERDICTS),
    names("circumstance", CIRCUMSTANCES),
    names("body_part", tuple(sorted(TERMS["part"]))),
    names("scanner", ("MR 1", "MR 2")),
    ranges("index", 10),
    ranges("suitability", 1),
    ranges("field", 7),
    st.builds(
        lambda some, severity: {"kind": "artifact", "one_of": some, "severity": severity},
        st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
        shares,
    ),
    st.builds(
        lambda start, end, days: {"kind": "time", "start": start, "end": end, "days": days},
        clocks,
        clocks,
        st.lists(st.sampled_from(WEEKDAYS), max_size=3, unique=True),
    ),
)
conditions = st.recursive(
    simple,
    lambda inner: st.builds(
        lambda kind, of: {"kind": kind, "of": of},
        st.sampled_from(("all", "any", "not")),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)
cases = st.builds(
    Case,
    verdict=st.sampled_from(VERDICTS),
    at=st.floats(0, 4e9),
    index=st.none() | st.floats(0, 10),
    suitability=st.none() | shares,
    artifacts=st.dictionaries(st.sampled_from(NAMES), st.builds(Found, shares, shares), max_size=3),
    scanner=st.sampled_from(("MR 1", "MR 2", "")),
    about=st.just(BRAIN) | st.just(Description()),
    circumstances=st.frozensets(st.sampled_from(CIRCUMSTANCES)),
)


def book(
    *when: dict[str, Any], do: tuple[dict[str, Any], ...] = ({"kind": "hold"},), **more: Any
) -> Rulebook:
    rule = {"name": "r", "when": when, "do": do}
    return Rulebook.model_validate({"rule": [rule], "time_zone": "Europe/Berlin"} | more)


def fires(*when: dict[str, Any], case: Case = CASE) -> bool:
    return bool(decide(book(*when), case).fired)


@given(conditions, cases)
def test_a_condition_either_holds_or_its_negation_does(condition: dict[str, Any], case: Case) -> None:
    negated = {"kind": "not", "of": [condition]}
    assert fires(condition, case=case) is not fires(negated, case=case)
    assert fires(condition, negated, case=case) is False
    assert fires({"kind": "any", "of": [condition, negated]}, case=case) is True
    assert fires({"kind": "all", "of": [condition]}, case=case) is fires(condition, case=case)


@given(st.lists(conditions, max_size=4))
def test_a_file_that_is_written_and_read_is_the_same(when: list[dict[str, Any]]) -> None:
    rulebook = book(*when, do=({"kind": "alert", "channels": ["console"], "text": 'say "{verdict}" \\ ö'},))
    try:
        again = parse(write(rulebook))
    except UnfitRules as error:  # groups may lie too deep to be saved
        assert "groups within each other" in str(error)  # noqa: PT017
    else:
        assert again == rulebook
        assert plain(again) == plain(rulebook)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"kind": "verdict", "one_of": ["Repeat", "Check"]}, True),
        ({"kind": "verdict", "one_of": ["Usable"]}, False),
        ({"kind": "index", "below": 2.4}, False),
        ({"kind": "index", "below": 2.5}, True),
        ({"kind": "suitability", "at_least": 0.2}, True),
        ({"kind": "artifact", "one_of": ["motion"], "severity": 0.6}, True),
        ({"kind": "artifact", "one_of": ["motion"], "severity": 0.61}, False),
        ({"kind": "artifact", "one_of": ["ghost"]}, False),
        ({"kind": "artifact"}, True),
        ({"kind": "artifact", "probability": 0.95}, False),
        ({"kind": "scanner", "one_of": ["MR 1"]}, True),
        ({"kind": "protocol", "facet": "weighting", "one_of": ["T2"]}, True),
        ({"kind": "protocol", "facet": "family", "one_of": ["UNKNOWN"]}, True),
        ({"kind": "body_part", "one_of": ["KNEE"]}, False),
        ({"kind": "field", "at_least": 3.0}, True),
        ({"kind": "check", "one_of": ["missing"]}, False),
        ({"kind": "circumstance", "one_of": ["provisional"]}, False),
    ],
)
def test_each_kind_of_condition_looks_at_what_it_names(condition: dict[str, Any], *, holds: bool) -> None:
    assert fires(condition) is holds


def test_an_alert_is_worded_in_both_languages_and_kept_so() -> None:
    reason = Text("Found: motion", "Gefunden: Bewegung")
    case = replace(CASE, reason=reason, series_number=3, advice=(Text("Pad.", "Polstern."),))
    usual = message_of(case, rule="r", priority="high", template=str(USUAL), link="")
    assert usual.text == "Repeat: T2, brain, 3 T, series 3, MR 1. Found: motion"
    assert usual.text.de == "Wiederholen: T2, Gehirn, 3 T, Serie 3, MR 1. Gefunden: Bewegung"
    own = message_of(case, rule="r", priority="high", template="{artifacts} {index} {advice}", link="")
    assert (own.text, own.text.de) == ("Motion 2.4 Pad.", "Bewegung 2,4 Polstern.")
    again = Message.from_json(json.loads(json.dumps(usual.to_json())))
    assert (again.text, again.text.de) == (usual.text, usual.text.de)
    assert json.loads(json.dumps(usual.to_json()))["values"]["reason"] == reason  # others are told in English
    assert withdrawn(usual, "r").text.de.startswith(
        "Gilt nicht mehr: T2, Gehirn, 3 T, Serie 3, MR 1. Jetzt Wieder"
    )


@pytest.mark.parametrize("kind", ["index", "suitability", "field"])
def test_what_is_not_known_lies_in_no_range(kind: str) -> None:
    unknown = Case("Not scored", 0.0)
    assert not fires({"kind": kind, "at_least": 0}, case=unknown)
    assert not fires({"kind": kind, "below": 1}, case=unknown)


@pytest.mark.parametrize(
    ("hours", "span", "holds"),
    [
        (0, {"start": "22:00", "end": "06:00", "days": ["fri"]}, True),
        (3, {"start": "22:00", "end": "06:00", "days": ["fri"]}, True),  # Saturday 02:00: Friday's night
        (3, {"start": "22:00", "end": "06:00", "days": ["sat"]}, False),
        (7, {"start": "22:00", "end": "06:00"}, False),  # 06:00 sharp
        (0, {"days": ["fri"]}, True),
        (1, {"days": ["fri"]}, False),
        (0, {"start": "23:00", "end": "23:01"}, True),
        (0, {"start": "07:00", "end": "19:00"}, False),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(
    hours: int, span: dict[str, Any], *, holds: bool
) -> None:
    later = Case("Repeat", FRIDAY_23 + hours * HOUR)
    assert fires({"kind": "time"} | span, case=later) is holds


def test_the_zone_of_the_rules_counts_and_not_that_of_the_machine() -> None:
    at_noon = Case("Repeat", datetime(2026, 7, 1, 12, 0, tzinfo=UTC).timestamp())
    for zone, start in (("Europe/Berlin", "14:00"), ("America/New_York", "08:00"), ("Asia/Kolkata", "17:30")):
        span = {"kind": "time", "start": start, "end": f"{start[:3]}{int(start[3:]) + 1:02}"}
        assert decide(book(span, time_zone=zone), at_noon).fired


def routed(
    *rules: tuple[str, list[str]], destinations: tuple[str, ...] = ("pacs", "copy")
) -> dict[str, Route]:
    given = [
        {"name": f"r{n}", "do": [{"kind": kind, "destinations": names}]}
        for n, (kind, names) in enumerate(rules)
    ]
    return dict(decide(Rulebook.model_validate({"rule": given}), CASE, destinations).routes)


def test_what_nobody_names_is_as_ever_and_the_last_word_counts() -> None:
    assert routed() == {}
    assert routed(("withhold", ["pacs"])) == {"pacs": Route(send=False, rules=("r0",))}
    assert routed(("withhold", []), ("send", ["pacs"])) == {
        "pacs": Route(send=True, rules=("r0", "r1")),
        "copy": Route(send=False, rules=("r0",)),
    }
    assert routed(("hold", ["pacs"]), ("send", ["pacs"]))["pacs"] == Route(True, True, ("r0", "r1"), "r0")
    assert routed(("hold", ["pacs"]), ("release", []))["pacs"] == Route(None, False, ("r0", "r1"), "")


def test_a_final_rule_ends_the_list_and_one_in_shadow_does_nothing() -> None:
    hold, end = {"do": [{"kind": "hold"}]}, {"final": True}
    rules = [
        {"name": "a", "mode": "shadow", **hold, **end},
        {"name": "b", **hold, **end},
        {"name": "c", **hold},
    ]
    decision = decide(Rulebook.model_validate({"rule": rules}), CASE, ("pacs",))
    assert [rule.name for rule in decision.fired] == ["a", "b"]
    assert decision.routes == {"pacs": Route(hold=True, rules=("b",), holder="b")}
    off = [{"name": "a", "mode": "off", **hold}]
    assert decide(Rulebook.model_validate({"rule": off}), CASE, ("pacs",)).fired == ()


def test_an_alert_says_what_its_text_names_and_nothing_else() -> None:
    text = "{verdict} {index} {artifacts} {scanner} {description} {provisional}"
    do = ({"kind": "alert", "channels": ["console", "ris"], "text": text},)
    orders = decide(book(do=do), CASE).orders
    assert [order.channel for order in orders] == ["console", "ris"]
    assert orders[0].what["text"] == "Repeat 2.4 Motion MR 1 T2, brain, 3 T final"


def test_the_schema_that_is_written_down_is_that_of_the_rules() -> None:
    assert (ROOT / "deploy/rules.schema.json").read_text("utf-8") == schema()


def test_the_rules_of_the_tests_are_rules() -> None:
    assert [rule.name for rule in parse(RULES).rule] == ["Tell about repeats", "Keep usable ones here"]
