"""Months of judged series, made up from a seed and written straight into a ledger for trends and searches.

On the second scanner the signal-to-noise ratio falls in the last month, and noise is found more often.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import insert

from inference.artifacts import CATALOGUE
from inference.evidence import METRICS
from inference.reference import reference
from inference.score import UNFAMILIAR
from inference.series import Answer, Description
from service.ledger import Database
from service.ledger.tables import feedback, outbox, scanner, series
from service.ledger.tables_trends import trend
from service.ledger.trends import trend_row
from service.protocols import key_of
from service.understanding import FACT

DAY_S = 86400.0
MODEL = "scanside-artifacts 0.1.0 (3f2a9c0d1e5b)"
AT_ONCE = 1000
COILS = ("Head 32", "Spine 24", "Body 18", "Knee 15", "")
BROKEN = 1  # the scanner that falls ill
PROTOCOLS = tuple(
    Description.of(
        [
            Answer("weighting", weighting),
            Answer("family", family),
            Answer("orientation", orientation),
            Answer("part", part),
            Answer("dimension", "2D"),
        ],
        3.0,
    )
    for part in ("BRAIN", "LSPINE", "KNEE", "ABDOMEN")
    for weighting, family in (("T1", "TSE"), ("T2", "TSE"), ("PD", "TSE"), ("DIFFUSION", "EPI"))
    for orientation in ("AXIAL", "SAGITTAL")
)


@dataclass(frozen=True, slots=True)
class Year:
    """How much there is."""

    until: float  # s since the epoch: the end of the last day
    days: int = 365
    scanners: int = 5
    a_day: int = 60  # series of each scanner

    @property
    def series(self) -> int:
        """How many series that makes."""
        return self.days * self.scanners * self.a_day


def fill(database: Database, year: Year, seed: int = 7) -> None:
    """Write the series, their verdicts, deliveries and trends."""
    with database.write() as connection:
        connection.execute(
            insert(scanner),
            [{"id": n + 1, "key": f"name:MR {n + 1}", "name": f"MR {n + 1}"} for n in range(year.scanners)],
        )
    made = _series(year, np.random.default_rng(seed))
    while some := list(islice(made, AT_ONCE)):
        with database.write() as connection:
            connection.execute(insert(series), [row for row, _ in some])
            connection.execute(insert(trend), [row for _, row in some])
            connection.execute(insert(outbox), [_sent(row) for row, _ in some])
            if said := [_said(row) for row, _ in some if _is_said(row)]:
                connection.execute(insert(feedback), said)


def _series(year: Year, rng: np.random.Generator) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    start = year.until - year.days * DAY_S
    facts = [{FACT: about.to_json(), "rows": 256, "columns": 256} for about in PROTOCOLS]
    keys = [key_of(about) for about in PROTOCOLS]
    for day in range(year.days):
        for number in range(year.a_day * year.scanners):
            which, at = number % year.scanners, start + day * DAY_S + (7 * 3600 + number * 120)
            kind = int(rng.integers(len(PROTOCOLS)))
            ill = which == BROKEN and day >= year.days - 30
            quality = _quality(rng, ill=ill)
            name = f"{day:04d}{number:04d}"
            row = _row(name, which + 1, at, quality, facts[kind], keys[kind])
            yield row, trend_row(row["id"], row, row["verdict"], quality, MODEL)


def _quality(rng: np.random.Generator, *, ill: bool) -> dict[str, Any]:
    if rng.random() < 0.03:
        strange = rng.random() < 0.5
        return {
            "scored": False,
            "reason": UNFAMILIAR if strange else "a localizer is not scored",
            "index": None,
            "suitability": None,
            "findings": [],
            "n_slices": 24,
            "unfamiliar": 20 if strange else 0,
            "outlier": float(rng.normal(14, 1)) if strange else None,
            "evidence": [],
        }
    chances = np.full(len(CATALOGUE), 0.03)
    if ill:
        chances[[artifact.name for artifact in CATALOGUE].index("noise")] = 0.3
    present = rng.random(len(CATALOGUE)) < chances
    probability = np.where(present, rng.uniform(0.6, 1, len(CATALOGUE)), rng.beta(1, 12, len(CATALOGUE)))
    bands = reference().bands[""]
    values = {
        metric.name: bands[metric.name].middle
        * float(rng.lognormal(-0.4 if ill and metric.name == "snrd" else 0.0, 0.15))
        for metric in METRICS
    }
    loss = float((probability * present).sum()) * 2.5
    return {
        "scored": True,
        "reason": "",
        "index": round(max(0.3, min(10.0, float(rng.normal(8.6, 0.5)) - loss)), 4),
        "suitability": round(max(0.02, min(0.99, float(rng.normal(0.9, 0.05)) - loss / 10)), 4),
        "findings": [
            {
                "artifact": artifact.name,
                "probability": round(float(probability[place]), 4),
                "severity": round(float(probability[place]) / 2, 4) if present[place] else 0.0,
                "present": bool(present[place]),
                "slices": [3, 4] if present[place] else [],
                "box": None,
                "evidence": [],
            }
            for place, artifact in enumerate(CATALOGUE)
        ],
        "n_slices": 24,
        "worst": 3,
        "lowest": [3],
        "ruined": [],
        "n_signal": 24,
        "unfamiliar": 0,
        "outlier": round(float(rng.normal(1, 0.15)), 4),
        "geometry": [],
        "evidence": [
            {
                "metric": name,
                "median": float(f"{value:.4g}"),
                "extreme": float(f"{1.2 * value:.4g}"),
                "slice": 3,
                "n_slices": 24,
                "low": bands[name].low,
                "high": bands[name].high,
                "reason": "",
            }
            for name, value in values.items()
        ],
        "sampling": None,
    }


def _verdict(quality: dict[str, Any]) -> str:
    if not quality["scored"]:
        return "Not scored"
    return "Usable" if quality["index"] >= 7 else "Repeat" if quality["index"] < 3.5 else "Check"


def _row(
    name: str, scanner_id: int, at: float, quality: dict[str, Any], facts: dict[str, Any], protocol: str
) -> dict[str, Any]:
    verdict = _verdict(quality)
    return {
        "id": f"s{name}",
        "uid": f"2.25.{name}",
        "generation": 1,
        "study_uid": f"2.25.9{name[:-1]}",
        "patient": f"P{name[:-1]}",
        "bearer": f"P{name[:-1]}",
        "scanner_id": scanner_id,
        "protocol_key": protocol,
        "series_number": int(name[-1]) + 1,
        "facts": facts,
        "protocol": protocol,
        "coil": COILS[len(protocol) % len(COILS)],
        "state": "delivered",
        "opened_at": at,
        "last_instance_at": at + 30,
        "counts": {},
        "ends": {},
        "outlived": [],
        "settled_at": at + 30,
        "closed_at": at + 31,
        "close_reason": "count",
        "closing": {
            "sign": "0020,1002", "received": 24, "expected": 24, "counts": {"0020,1002": 24}, "gaps": [],
            "waited_s": 0.1, "quiet_s": 2.0, "longest_pause_s": 0.2,
        },
        "received": 24,
        "judged": 24,
        "verdict": verdict,
        "reason": quality["reason"],
        "quality": quality,
        "advice": [],
        "model": MODEL,
        "provider": "CPUExecutionProvider",
    }  # fmt: skip


def _sent(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "series_id": row["id"],
        "destination": "PACS",
        "kind": "SR",
        "rank": 0,
        "sop_instance_uid": f"2.25.8{row['uid'][5:]}",
        "name": f"{row['id']}-sr",
        "state": "sent",
        "attempts": 1,
        "created_at": row["closed_at"],
        "next_at": row["closed_at"],
        "sent_at": row["closed_at"] + 1,
    }


def _is_said(row: dict[str, Any]) -> bool:
    return bool(row["verdict"] == "Repeat" or row["id"].endswith("00"))


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "series_id": row["id"],
        "kind": "repeated" if row["verdict"] == "Repeat" else "agreed",
        "author": "tom",
        "role": "technologist",
        "at": row["closed_at"] + 60,
        "key": f"key-{row['id']}",
        "about": "-",
    }
