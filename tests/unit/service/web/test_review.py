"""Review in the API: who may decide what, on what they saw, and what is kept from whom."""

import json
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from dicom_scp.identity import KeyRing, Vault
from inference.verdict import Thresholds
from service.access import Gate
from service.ledger import Database, ReviewBook, prepare
from service.ledger.tables import vault as vault_table
from service.ledger.thresholds import ThresholdBook
from service.naming import Screen
from service.reception import header_context
from service.review.reviewing import Reviewing
from service.web import create_app
from tests.series import mr_series
from tests.unit.dicom_scp.encodings import encoded
from tests.unit.service.review.reviewing import MODEL, put_past, put_review, put_scanner, put_series, quality
from tests.unit.service.web.recorded import RecordedLedger, a_house
from tests.unit.service.web.test_access import as_person, ask, clock, gate, headers_of, people

__all__ = ["clock", "gate", "people"]  # fixtures


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path}/ledger.sqlite")
    prepare(made)
    return made


@pytest.fixture
def app(database: Database, people: Gate) -> FastAPI:
    """A console with a Check, a blind one and a vault that knows the patient of the first."""
    from dicom_scp.deidentify import Deidentifier  # noqa: PLC0415

    keys = KeyRing(bytes(range(32)))
    vault = Vault(keys)
    scanner_id, now = put_scanner(database), time.time()
    for name, more in (("s1", {}), ("s2", {"blind": True, "why": ["control"], "share": 0.2})):
        verdict = put_series(database, scanner_id, name, quality(5.5, found=("motion",)), now)
        put_review(database, scanner_id, name, verdict, now, artifacts=" motion ", **more)
    original = mr_series(slices=1)[0]
    original.PatientName = "Przybylski^Agnieszka"
    original.PatientID = "HUGO4711"
    instance = Deidentifier(keys)(encoded(original), str(original.file_meta.TransferSyntaxUID))
    with database.write() as connection:
        sealed = vault.seal(instance.identity.header, header_context("uid-s1"))
        connection.execute(vault_table.insert().values(uid="uid-s1", sealed=sealed, created_at=now))
    room = Reviewing(
        ReviewBook(database, time.time),
        ThresholdBook(database, Thresholds(), MODEL, time.time),
        Screen.of(database, vault),
        lambda _limit, _after: ([], None),
    )
    return create_app(replace(a_house(RecordedLedger(), gate=people), reviewing=room))


class Person:
    """Asks as somebody of a role."""

    def __init__(self, app: FastAPI, people: Gate, role: str) -> None:
        self.app = app
        self.headers = headers_of(as_person(people, role))
        self.keys = 0

    def get(self, path: str) -> httpx.Response:
        return ask(self.app, "GET", f"/api/v1{path}", headers=self.headers)

    def post(self, path: str, body: object, match: str | None = '"1"', key: str = "") -> httpx.Response:
        self.keys += 1
        told = self.headers | {"Idempotency-Key": key or f"{id(self)}-{self.keys}"}
        if match is not None:
            told |= {"If-Match": match}
        return ask(self.app, "POST", f"/api/v1{path}", headers=told, json=body)

    def decide(self, review: str, decision: str = "usable", **more: object) -> httpx.Response:
        told = {name: more.pop(name) for name in ("match", "key") if name in more}
        body = {"tier": 1, "decision": decision, "comment": "" if decision == "usable" else "seen"}
        return self.post(f"/reviews/{review}/decisions", body | more, **told)  # type: ignore[arg-type]  # as named


@pytest.fixture
def tom(app: FastAPI, people: Gate) -> Person:
    return Person(app, people, "technologist")


@pytest.fixture
def pia(app: FastAPI, people: Gate) -> Person:
    return Person(app, people, "physicist")


def test_what_was_decided_meanwhile_is_412_and_the_etag_of_the_last_is_taken(
    tom: Person, pia: Person
) -> None:
    seen = tom.get("/reviews/1")
    assert (seen.status_code, seen.headers["etag"]) == (200, '"1"')
    assert pia.decide("1").status_code == 201
    late = tom.decide("1", "unusable", match=seen.headers["etag"])
    assert late.status_code == 412
    assert late.headers["content-type"] == "application/problem+json"
    again = tom.decide("1", "unusable", match=tom.get("/reviews/1").headers["etag"])
    assert [one["author"] for one in again.json()["decisions"]] == ["physicist", "technologist"]
    assert again.json()["outcome"] == "unusable"


WRONG: tuple[tuple[int, dict[str, object]], ...] = (
    (428, {"match": None}),
    (412, {"match": '"x"'}),
    (412, {"match": '"0"'}),
    (422, {"decision": "unusable", "comment": "  "}),
    (422, {"decision": "repeat"}),
    (422, {"tags": ["<script>"]}),
    (422, {"tags": ["motion"] * 99}),
    (422, {"cursor": {"slice": -1, "x": 0, "y": 0}}),
    (422, {"cursor": {"slice": 1, "x": 1.5, "y": 0}}),
    (422, {"comment": "a\u0000b"}),
    (422, {"comment": "x" * 501}),
    (422, {"outcome": "usable"}),
    (422, {"key": "short"}),
    (403, {"tier": 2}),
)
NAMING = (
    "as Mrs PRZYBYLSKI moved",
    "agnieszka could not hold her breath",
    "see hugo4711",
    "as on 04.11.2026",
    "accession 20261104",
    "since 2026-11-04",
)


def test_what_does_not_fit_is_refused_and_nothing_is_left_behind(tom: Person) -> None:
    for status, more in WRONG:
        answer = tom.decide("1", **more)  # type: ignore[arg-type]  # as named
        assert answer.status_code == status, (more, answer.text)
    assert tom.get("/reviews/1").json()["decisions"] == []


def test_a_comment_that_names_the_patient_is_refused_and_kept_nowhere(
    tom: Person, database: Database, tmp_path: Path
) -> None:
    for comment in NAMING:
        answer = tom.decide("1", "unusable", comment=comment)
        assert answer.status_code == 422, comment
        assert "names a patient" in answer.json()["detail"]
        assert comment not in answer.text
    database.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert [comment for comment in NAMING if comment.encode() in kept] == []


def test_a_comment_that_names_nobody_is_kept(tom: Person) -> None:
    answer = tom.decide("1", "limits", comment="ghosts\nalong phase, slices 12 to 18 <b>")
    assert answer.json()["decisions"][0]["comment"] == "ghosts\nalong phase, slices 12 to 18 <b>"


def test_a_blind_reviewer_is_told_nothing_of_the_verdict(tom: Person) -> None:
    before = tom.get("/reviews/2").json()
    assert (before["hidden"], before["verdict"], before["why"], before["artifacts"]) == (True, "", [], [])
    listed = tom.get("/reviews").json()["items"]
    assert [one["verdict"] for one in listed] == ["Check", ""]
    for choice in ("verdict=Check", "artifact=motion"):
        assert [one["id"] for one in tom.get(f"/reviews?{choice}").json()["items"]] == ["1"]
    after = tom.decide("2", "limits").json()
    assert (after["hidden"], after["verdict"], after["decisions"][0]["blind"]) == (False, "Check", True)


def test_the_queue_comes_in_pages_with_a_link(tom: Person) -> None:
    first = tom.get("/reviews?limit=1")
    assert first.json()["waiting"] == {"1": 2, "2": 0}
    path = first.headers["link"].split(">")[0].removeprefix("</api/v1")
    second = tom.get(path)
    assert [one["id"] for one in (*first.json()["items"], *second.json()["items"])] == ["1", "2"]
    assert second.json()["next_cursor"] is None
    for wrong in ("tier=3", "artifact=%3Cb%3E", "cursor=x", "older_than_h=-1", "verdict=Good"):
        assert tom.get(f"/reviews?{wrong}").status_code in {400, 422}


def test_there_is_no_series_of_another_id(tom: Person) -> None:
    assert tom.get("/reviews/99").status_code == 404
    assert tom.decide("99").status_code == 404
    assert tom.get("/reviews/..%2f1").status_code in {404, 422}


def test_a_radiologist_decides_in_the_second_tier(app: FastAPI, people: Gate, tom: Person) -> None:
    handed = tom.decide("1", "doubtful")
    ray = Person(app, people, "radiologist")
    done = ray.decide("1", "unusable", tier=2, match=handed.headers["etag"])
    assert (done.status_code, done.json()["outcome"]) == (201, "unusable")
    late = tom.decide("1", match=done.headers["etag"])
    assert (late.status_code, late.json()["detail"]) == (
        409,
        "The second tier has decided: only the second tier changes that.",
    )


def test_the_same_request_again_counts_once(tom: Person) -> None:
    first = tom.decide("1", key="one-and-the-same")
    again = tom.decide("1", key="one-and-the-same")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()


def test_figures_and_thresholds_are_told_with_their_intervals(
    database: Database, tom: Person, pia: Person
) -> None:
    put_past(database, 1, time.time())
    told = tom.get("/agreement?days=365").json()
    assert told["reviewed"] == 120
    assert 0 < told["model"]["low"] < told["model"]["value"] < told["model"]["high"] < 1
    assert told["tiers"] == {"value": None, "low": None, "high": None, "n": 0}
    (protocol,) = tom.get("/protocols").json()["items"]
    assert tom.get(f"/agreement?protocol={protocol['id']}").json()["reviewed"] == 120
    assert tom.get("/agreement?scanner=other").json()["reviewed"] == 0
    path = f"/protocols/{protocol['id']}"
    assert tom.post(f"{path}/trials", {}).status_code == 403
    trial = pia.post(f"{path}/trials", {}).json()
    assert trial["n_past"] == 122
    assert trial["would"]["alerts"] < trial["was"]["alerts"]
    body = {"trial": trial["id"], "why": "too many alarms"}
    assert pia.post(f"{path}/versions", body, match=None).status_code == 428
    assert pia.post(f"{path}/versions", body, match='"3"').status_code == 412
    accepted = pia.post(f"{path}/versions", body, match='"0"')
    assert (accepted.status_code, accepted.headers["etag"]) == (201, '"1"')
    assert accepted.json()["thresholds"] == trial["after"]
    assert accepted.json()["versions"][0]["author"] == "physicist"
    assert pia.post(f"{path}/versions", body, match='"1"').status_code == 409
    for wrong in ({"why": "x"}, {"trial": "1", "restores": 0, "why": "x"}, {"restores": 0, "why": " "}):
        assert pia.post(f"{path}/versions", wrong, match='"1"').status_code == 422
    order = {"thresholds": {"usable_index": 3, "repeat_index": 4, "repeat_suitability": 0.3}}
    assert pia.post(f"{path}/trials", order).status_code == 422


def test_few_decisions_are_no_ground_for_a_suggestion(pia: Person) -> None:
    (protocol,) = pia.get("/protocols").json()["items"]
    answer = pia.post(f"/protocols/{protocol['id']}/trials", {})
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "Too few series of this protocol were decided on.",
    )
    assert pia.get("/protocols/9-NOWHERE").status_code == 404
    assert json.loads(pia.post("/protocols/9-NOWHERE/trials", {}).text)["status"] == 404
