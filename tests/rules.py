"""Site rules for tests: a desk over a database, verdicts in the ledger, and rules in a line."""

import time
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from sqlalchemy import insert, select

from dicom_scp.deidentify import Deidentifier
from dicom_scp.identity import KeyRing, Vault
from service.ledger import Database
from service.ledger.errand_desk import ErrandDesk
from service.ledger.rules import Rulebooks
from service.ledger.tables import scanner, series
from service.naming import Screen
from service.reception import ScannerBook
from service.routing.desk import RulesDesk
from service.settings import Settings
from service.understanding import FACT, Understanding

ROOT = Path(__file__).resolve().parents[1]
PACS = {"name": "pacs", "kind": "dicom", "host": "pacs.example", "port": 104, "ae_title": "PACS"}
COPY = {"name": "copy", "kind": "folder", "folder": "/nonexistent"}
RIS = {"name": "ris", "kind": "webhook", "url": "https://ris.example/hook", "secret_file": "/nonexistent"}
RULES = """
[[rule]]
name = "Tell about repeats"

[[rule.when]]
kind = "verdict"
one_of = ["Repeat"]

[[rule.do]]
kind = "alert"
channels = ["console"]

[[rule]]
name = "Keep usable ones here"

[[rule.when]]
kind = "verdict"
one_of = ["Usable"]

[[rule.do]]
kind = "withhold"
destinations = ["pacs"]
"""


def rules_settings(folder: Path | None = None, **more: object) -> Settings:
    """Give settings with two destinations and a webhook."""
    room = folder or Path(mkdtemp(prefix="scanside-rules-"))
    return Settings(state_dir=room, **({"destination": (PACS, COPY), "alert": (RIS,)} | more))  # type: ignore[arg-type]


def a_rules_desk(
    database: Database, settings: Settings | None = None, vault: Vault | None = None
) -> RulesDesk:
    """Give the desk over a database that is set up."""
    force = settings or rules_settings()
    return RulesDesk(
        rulebooks=Rulebooks(database, time.time),
        errands=ErrandDesk(database, time.time),
        settings=lambda: force,
        deidentifier=Deidentifier(KeyRing.ephemeral()),
        scanners=lambda: ScannerBook(by_ae_title={}, by_device={}),
        understanding=Understanding(),
        screen=Screen.of(database, vault or Vault(KeyRing.ephemeral())),
    )


def put_verdict(database: Database, key: str, verdict: str, **more: Any) -> None:
    """Put a judged series into the ledger."""
    at = more.pop("at", time.time())
    artifacts = more.pop("artifacts", {})
    findings = [
        {
            "artifact": name,
            "present": True,
            "severity": severity,
            "probability": 0.9,
            "slices": [0],
            "box": None,
        }
        for name, severity in artifacts.items()
    ]
    described = {"weighting": {"term": "T2", "evidence": []}, "part": {"term": "BRAIN", "evidence": []}}
    facts = {"series_number": 3, FACT: {"field": 3.0, "answers": described}}
    row: dict[str, Any] = {
        "id": f"{key}-1",
        "uid": key,
        "generation": 1,
        "study_uid": "2.25.9",
        "patient": "PSEUDONYM",
        "bearer": "PSEUDONYM",
        "protocol_key": "",
        "series_number": 3,
        "facts": facts,
        "counts": {},
        "ends": {},
        "outlived": {},
        "state": "delivered",
        "received": 20,
        "judged": 20,
        "opened_at": at,
        "last_instance_at": at,
        "closed_at": at,
        "verdict": verdict,
        "reason": "Motion" if verdict == "Repeat" else "",
        "advice": [],
        "quality": {"index": 2.0 if verdict == "Repeat" else 8.5, "suitability": 0.5, "findings": findings},
    }
    with database.write() as connection:
        number = connection.scalar(select(scanner.c.id).where(scanner.c.key == "mr1"))
        number = number or connection.scalar(
            insert(scanner).values(key="mr1", name="MR 1").returning(scanner.c.id)
        )
        connection.execute(insert(series), row | {"scanner_id": number} | more)
