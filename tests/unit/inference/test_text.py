"""What is said to people is said in both languages, in the code and in its tables."""

import ast
import copy
import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import inference
import service
from inference.checks import SeriesFact
from inference.evidence import Reading, from_json, in_german, to_json
from inference.reference import MetricSummary, Statement
from inference.score import QualityScore, not_scored
from inference.series import Answer, Description
from inference.series.advice import PATH as ADVICE
from inference.series.vocabulary import rows, terms
from inference.text import UNSAID, Text, decimal, german, joined, texts_of, with_german

SOURCES = [*Path(inference.__path__[0]).rglob("*.py"), *Path(service.__path__[0]).rglob("*.py")]
ALIKE = {"Chemical shift", "axial", "sagittal"}  # nearly or wholly the same word in both languages
AIR = Text("no air", "keine Luft")


def written() -> Iterator[tuple[str, ast.Call]]:
    """Give every text that stands in the code."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text":
                yield f"{path.name}:{node.lineno}", node


def said(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\{(\w*)\}", text))


def test_every_text_of_the_code_is_said_in_both_languages() -> None:
    seen = 0
    for where, call in written():
        assert len(call.args) == 2 or isinstance(call.args[0], ast.Starred), where
        told = [said(one) for one in call.args]
        if None in told or told == ["", ""]:
            continue  # put together of values, or nothing
        en, de = (one or "" for one in told)
        assert en, where
        assert de, where
        assert names_in(en) == names_in(de), where
        assert en != de, where
        assert en[-1] == de[-1] or not {en[-1], de[-1]} & set(".:;,"), where
        seen += 1
    assert seen > 100


def test_every_row_of_the_advice_is_said_in_both_languages() -> None:
    for artifact, _, topic, _, en, de, *_ in rows(ADVICE, 9):
        assert names_in(en) == names_in(de), (artifact, topic)
        assert de, (artifact, topic)
        assert en != de, (artifact, topic)
        assert en[:1].isupper() <= de[:1].isupper(), (artifact, topic)  # a lead begins a sentence
        assert "  " not in en + de


def test_every_term_that_is_told_is_told_in_both_languages() -> None:
    for term in terms():
        assert bool(term.words) == bool(term.words.de), term.name


def test_a_text_is_its_english() -> None:
    assert (AIR, json.dumps([AIR]), f"{AIR}") == ("no air", '["no air"]', "no air")
    assert (german(AIR), german("name")) == ("keine Luft", "name")
    assert not UNSAID


def test_copies_keep_the_german() -> None:
    assert [one.de for one in (copy.deepcopy(AIR), pickle.loads(pickle.dumps(AIR)))] == [AIR.de] * 2


def test_values_speak_their_own_language() -> None:
    field = Text("at {field}: {n} in {where}", "bei {field}: {n} in {where}")
    told = field.filled({"field": decimal("1.5 T"), "n": "3", "where": AIR})
    assert (told, told.de) == ("at 1.5 T: 3 in no air", "bei 1,5 T: 3 in keine Luft")


def test_texts_are_put_together_in_each_language() -> None:
    told = joined("; ", (AIR, "x")).begun
    assert (told, told.de) == ("No air; x", "Keine Luft; x")
    assert (AIR.begun.inside, AIR.begun.inside.de) == (
        "no air",
        "Keine Luft",
    )  # the noun of a title keeps its capital


def test_what_was_told_is_kept_in_both_languages() -> None:
    fact = SeriesFact("missing", present=True, value=2.0, detail=AIR, slices=(1,))
    silent = Statement("psg", "n/a", None, None, None, decisive=True, reason=AIR)
    summed = MetricSummary("psg", None, None, None, 0, None, None, AIR)
    quality = not_scored(AIR, 3)
    kept = [
        SeriesFact.from_json(json.loads(json.dumps(fact.to_json()))).detail,
        Statement.from_json(json.loads(json.dumps(silent.to_json()))).reason,
        MetricSummary.from_json(json.loads(json.dumps(summed.to_json()))).reason,
        QualityScore.from_json(json.loads(json.dumps(quality.to_json()))).reason,
    ]
    assert [(one, one.de) for one in kept] == [(AIR, AIR.de)] * 4
    readings = (Reading("psg", None, AIR), Reading("snrd", 2.0))
    again = from_json(to_json(readings), in_german(readings))
    assert again == readings
    assert again[0].reason.de == AIR.de


def test_texts_of_an_object_stand_twice_in_it() -> None:
    told = with_german({"n": 1, "reason": AIR, "gaps": (AIR, AIR)}, "reason", "gaps")
    assert told["de"] == {"reason": "keine Luft", "gaps": ["keine Luft"] * 2}
    read = texts_of(json.loads(json.dumps(told)), "reason", "gaps")
    assert (read["n"], read["reason"].de, [one.de for one in read["gaps"]]) == (1, AIR.de, [AIR.de] * 2)
    assert "de" not in read


def test_what_was_kept_without_german_is_told_in_english() -> None:
    assert texts_of({"reason": "no air"}, "reason")["reason"].de == "no air"


def test_a_series_is_described_in_both_languages() -> None:
    about = Description.of(
        [Answer("orientation", "CORONAL"), Answer("weighting", "T1"), Answer("part", "LSPINE")], 1.5
    )
    assert (about.words, about.words.de) == ("Coronal T1, lumbar spine, 1.5 T", "Koronar T1, LWS, 1,5 T")
