"""A ledger with judged series, some of them in review, for the tests of the queue, the figures and the thresholds."""

import random
from dataclasses import replace
from typing import Any

from sqlalchemy import insert

from inference.artifacts import CATALOGUE
from inference.score import QualityScore, SeriesFinding
from inference.series import Answer, Description
from inference.verdict import Thresholds, verdict_of
from service.ledger import Database
from service.ledger.tables import scanner, series
from service.ledger.tables_review import review
from service.understanding import FACT

HEAD = Description.of(
    [Answer("weighting", "T2", ("EchoTime",)), Answer("family", "SE", ("ScanningSequence",))], 1.5
)
KEY = "ABCDEFGHIJKLMNOP"
MODEL = "scanside-artifacts 0.1.0 (3f2a9c0d1e5b)"


def quality(index: float, suitability: float | None = None, found: tuple[str, ...] = ()) -> QualityScore:
    """Give a score; what was found has a place."""
    findings = tuple(
        SeriesFinding(one.name, 0.9 if one.name in found else 0.1, 0.6, one.name in found, (3,), (1, 1, 9, 9))
        for one in CATALOGUE
    )
    told = index / 10 if suitability is None else suitability
    return QualityScore(True, "", index, told, findings, 20, 3)


def put_scanner(database: Database, name: str = "MR 2") -> int:
    with database.write() as connection:
        made = connection.execute(
            insert(scanner).values(key=f"device:{name}", name=name).returning(scanner.c.id)
        )
        return int(made.scalar_one())


def put_series(
    database: Database, scanner_id: int, series_id: str, score: QualityScore, at: float, **more: Any
) -> str:
    """Note a judged series; gives the verdict that the settings' thresholds give."""
    verdict = verdict_of(score, Thresholds()).value
    values: dict[str, Any] = {
        "id": series_id,
        "uid": f"uid-{series_id}",
        "generation": 1,
        "study_uid": "study-1",
        "patient": "PATIENTPSEUDONYM",
        "scanner_id": scanner_id,
        "protocol_key": KEY,
        "series_number": 5,
        "facts": {FACT: HEAD.to_json()},
        "state": "delivered",
        "opened_at": at - 60,
        "last_instance_at": at - 10,
        "counts": {},
        "ends": {},
        "outlived": [],
        "closed_at": at,
        "received": 20,
        "judged": 20,
        "bearer": "BEARER",
        "verdict": verdict,
        "reason": "as found",
        "quality": score.to_json(),
        "advice": [],
        "model": MODEL,
        "provider": "CPUExecutionProvider",
        "judging": {"thresholds": {}, "version": 0, "unscored": False, "shadow": None},
    }
    with database.write() as connection:
        connection.execute(insert(series).values(values | more))
    return str(verdict)


def put_review(
    database: Database, scanner_id: int, series_id: str, verdict: str, at: float, **more: Any
) -> None:
    """Note a series in the queue, or decided where ``outcome`` is given."""
    values: dict[str, Any] = {
        "series_id": series_id,
        "scanner_id": scanner_id,
        "protocol_key": KEY,
        "verdict": verdict,
        "about": "mark",
        "artifacts": "",
        "why": ["check"],
        "share": 1.0,
        "blind": False,
        "tier": 1,
        "entered_at": at,
    }
    if more.get("outcome"):
        values |= {"tier": 0, "decided_at": at, "first": more["outcome"]}
    with database.write() as connection:
        connection.execute(insert(review).values(values | more))


def put_past(database: Database, scanner_id: int, now: float, n: int = 120, seed: int = 3) -> None:
    """Note past series whose alerts begin too early: people call all usable whose index is above 5."""
    draw = random.Random(seed)
    for number in range(n):
        index = draw.uniform(1.0, 9.5)
        found = ("motion",) if index < 6 else ()
        at = now - (n - number) * 3600
        score = quality(round(index, 2), found=found)
        verdict = put_series(database, scanner_id, f"past-{number}", score, at)
        outcome = "usable" if index > 5 else "limits" if index > 3 else "unusable"
        control = verdict == "Usable"
        put_review(
            database, scanner_id, f"past-{number}", verdict, at, outcome=outcome,
            why=["control"] if control else ["check"], share=0.5 if control else 1.0, blind=control,
        )  # fmt: skip


def worse(score: QualityScore) -> QualityScore:
    """Give the same score without a place for what was found: nothing to repeat for."""
    return replace(score, findings=tuple(replace(one, box=None) for one in score.findings))
