"""The API: what it answers, and how it says no."""

import logging
import re
from dataclasses import replace

import cv2
import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from inference.artifacts import CATALOGUE
from inference.checks import SeriesFact
from inference.ground import NO_AIR
from inference.reference import MetricSummary, Statement
from inference.score import UNFAMILIAR
from inference.series import Answer, Description
from inference.series.advice import advice_on
from inference.series.situation import Situation
from inference.text import Text
from service.ledger.database import LedgerUnavailable
from service.web import create_app
from tests.unit.service.web.conftest import Asked
from tests.unit.service.web.recorded import (
    NAMES,
    RecordedLedger,
    a_house,
    a_series,
    blob,
    judged,
    some_slices,
)

S = "/api/v1/series"
CLEAN = SeriesFact("coverage", present=False, value=None, detail="anatomy other than the head")


def problem(answer: httpx.Response, status: int) -> dict[str, object]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


def test_a_series_is_told_with_its_verdict_and_its_times(client: Asked, ledger: RecordedLedger) -> None:
    told = client.get(f"{S}/s1").json()
    assert (told["verdict"], told["index"], told["reason"]) == ("Repeat", 2.4, "Motion")
    assert told["opened_at"].endswith("Z")
    assert [one["name"] for one in told["artifacts"] if one["present"]] == ["motion", "ghost"]
    advised = [one["name"] for one in told["artifacts"] if one["advice"] and one["suggestions"]]
    assert advised == ["motion", "ghost"], "what is not there needs no advice, nor fills a list of series"
    assert told["advice"] == list(ledger.series["s1"].advice)


def test_the_list_pages_through_every_series_once(client: Asked, ledger: RecordedLedger) -> None:
    for number in range(7):
        ledger.put(a_series(f"more-{number}", opened_at=float(number)))
    url, seen = f"{S}?limit=3", list[str]()
    while url:
        answer = client.get(url)
        seen += [item["id"] for item in answer.json()["items"]]
        url = answer.links["next"]["url"] if "next" in answer.links else ""
    assert sorted(seen) == sorted(ledger.series)
    assert len(seen) == 8


def test_the_next_page_keeps_the_other_parameters(client: Asked, ledger: RecordedLedger) -> None:
    for number in range(3):
        ledger.put(judged(f"c{number}", "Check", {}))
    link = client.get(f"{S}?limit=2&verdict=Check").links["next"]["url"]
    assert "verdict=Check" in link
    assert {item["verdict"] for item in client.get(link).json()["items"]} == {"Check"}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "verdict=Fine", "cursor=not-a-cursor", "cursor=%00"]
)
def test_a_parameter_that_does_not_fit_is_a_problem_that_names_it(client: Asked, query: str) -> None:
    body = problem(client.get(f"{S}?{query}"), 422)
    assert query.split("=", maxsplit=1)[0] in str(body["errors"])


def test_no_problem_repeats_what_was_sent(client: Asked) -> None:
    poison = "%3Cscript%3Ealert(1)%3C/script%3E"
    for url in (
        f"{S}/{poison}",
        f"{S}?cursor={poison}",
        f"{S}?limit={poison}",
        f"/{poison}",
        f"{S}/s1/slices/{poison}/image",
    ):
        answer = client.get(url, {"X-Request-ID": "<script>"})
        assert "script" not in answer.text
        assert "script" not in answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "path", ["/nothing", f"{S}/none", f"{S}/none/slices", f"{S}/none/findings", f"{S}/s1/slices/99/image",
             f"{S}/s1/slices/99/masks", f"{S}/s1/slices/12/masks/nose.png", "/static/..%2fapp.py", "/static/app.py"],
)  # fmt: skip
def test_what_is_not_there_is_a_problem(client: Asked, path: str) -> None:
    problem(client.get(path), 404)


def test_another_method_is_a_problem_that_names_the_right_one(client: Asked) -> None:
    answer = client("DELETE", f"{S}/s1")
    problem(answer, 405)
    assert answer.headers["allow"] == "GET"


def test_a_failure_inside_is_a_problem_and_its_cause_stays_in_the_log(
    client: Asked, ledger: RecordedLedger, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.failing = ZeroDivisionError("secret")
    with caplog.at_level(logging.ERROR):
        answer = client.get(S)
    problem(answer, 500)
    assert "secret" not in answer.text
    assert "secret" in caplog.text
    assert "content-security-policy" in answer.headers


def test_a_database_that_does_not_answer_is_said_so(client: Asked, ledger: RecordedLedger) -> None:
    ledger.failing = LedgerUnavailable()
    assert problem(client.get(S), 503)["detail"] == "The database does not answer."


def test_slices_come_in_order_with_their_findings(client: Asked) -> None:
    slices = client.get(f"{S}/s1/slices").json()["items"]
    assert [one["position"] for one in slices] == list(range(24))
    worst = slices[12]["findings"][0]
    assert (worst["artifact"], worst["present"], worst["box"]) == ("motion", True, [20, 30, 150, 90])


def test_a_slice_unlike_what_the_model_knows_is_told_to_be_so(client: Asked, ledger: RecordedLedger) -> None:
    strange, *others = some_slices("strange", {}, 3)
    ledger.put(a_series("strange"), [replace(strange, familiar=False), *others])
    slices = client.get(f"{S}/strange/slices").json()["items"]
    assert [one["familiar"] for one in slices] == [False, True, True]


def test_findings_join_artifacts_with_the_slices_that_show_them_worst_first(client: Asked) -> None:
    found = client.get(f"{S}/s1/findings").json()["items"]
    assert [one["artifact"] for one in found[:2]] == ["motion", "ghost"]
    assert [one["position"] for one in found[0]["slices"]] == [12, 11, 13]
    assert found[0]["slices"][0]["box"] == [20, 30, 150, 90]
    assert not found[2]["present"]


def test_raw_pixels_come_with_shape_spacing_and_window(client: Asked) -> None:
    answer = client.get(f"{S}/s1/slices/3/image")
    rows, columns = map(int, answer.headers["x-image-shape"].split(","))
    pixels = np.frombuffer(answer.content, "<u2").reshape(rows, columns)
    low, high = map(int, answer.headers["x-image-window"].split(","))
    assert (pixels.min(), pixels.max()) == (0, 65535)
    assert 0 <= low < high <= 65535
    assert answer.headers["x-image-spacing"] == "1.25, 1"
    assert answer.headers["content-type"] == "application/octet-stream"


def test_the_png_holds_the_same_pixels(client: Asked) -> None:
    raw = client.get(f"{S}/s1/slices/3/image")
    png = client.get(f"{S}/s1/slices/3/image.png")
    decoded = cv2.imdecode(np.frombuffer(png.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    assert decoded.astype("<u2").tobytes() == raw.content
    assert png.headers["content-type"] == "image/png"


def test_masks_come_for_located_artifacts_only(client: Asked) -> None:
    answer = client.get(f"{S}/s1/slices/12/masks")
    assert answer.headers["x-mask-artifacts"] == "motion, ghost"
    planes = np.frombuffer(answer.content, np.uint8).reshape(
        [int(n) for n in answer.headers["x-mask-shape"].split(",")]
    )
    assert np.array_equal(planes[1], blob(NAMES.index("ghost")))


def test_findings_come_with_their_evidence_and_what_only_the_series_shows(
    client: Asked, ledger: RecordedLedger
) -> None:
    said = Statement("psg", "disagrees", 0.1, 0.2, 3.0, decisive=True)
    none = Statement("snrd", "n/a", None, None, None, decisive=False, reason="no air in the field of view")
    seen = judged("evident", "Check", {"motion": 0.5})
    ledger.put(
        replace(
            seen,
            artifacts=tuple(replace(a, evidence=(said, none)) if a.present else a for a in seen.artifacts),
            geometry=(
                SeriesFact(
                    "missing", present=True, value=2.0, detail="2 missing between others", slices=(4,)
                ),
                CLEAN,
            ),
            evidence=(MetricSummary("psg", 0.1, 0.3, 7, 20, -0.1, 0.6),),
        ),
        [replace(one, evidence={"psg": 0.1, "snrd": "no air"}) for one in some_slices("evident", {})],
    )
    found = client.get(f"{S}/evident/findings").json()
    first, second = found["items"][0]["evidence"]
    assert (first["says"], first["title"], first["low"]) == ("disagrees", "Percent signal ghosting", 0.2)
    assert (second["says"], second["value"], second["reason"]) == ("n/a", None, none.reason)
    assert [(fact["name"], fact["present"]) for fact in found["geometry"]] == [
        ("missing", True),
        ("coverage", False),
    ]
    assert (found["evidence"][0]["slice"], found["evidence"][0]["worse"]) == (7, "high")
    shown = client.get(f"{S}/evident").json()["geometry"]
    assert [(fact["title"], fact["slices"]) for fact in shown] == [("Missing slices", [4])]
    assert client.get(f"{S}/evident/slices").json()["items"][0]["evidence"] == {"psg": 0.1, "snrd": "no air"}


def test_what_is_told_in_english_is_told_in_german_too(client: Asked, ledger: RecordedLedger) -> None:
    silent = Statement("snrd", "n/a", None, None, None, decisive=False, reason=NO_AIR)
    about = Description.of([Answer("orientation", "CORONAL"), Answer("part", "KNEE")], 1.5)
    seen = judged("both", "Repeat", {"ghost": 0.5}, description=about)
    ledger.put(
        replace(
            seen,
            reason=Text("Non-diagnostic: ghosting", "Nicht diagnostisch: Geisterbilder"),
            artifacts=tuple(
                replace(one, evidence=(silent,)) if one.present else one for one in seen.artifacts
            ),
            closing={
                "sign": "count",
                "received": 3,
                "expected": 4,
                "counts": {},
                "waited_s": 1.0,
                "quiet_s": 1.0,
                "longest_pause_s": 0.1,
                "gaps": (Text("1 slice missing", "1 Schicht fehlt"),),
            },
        ),
        [replace(one, reason=UNFAMILIAR) for one in some_slices("both", {})],
    )
    told = client.get(f"{S}/both").json()
    assert told["reason"] == "Non-diagnostic: ghosting"
    assert told["de"]["reason"] == "Nicht diagnostisch: Geisterbilder"
    assert (told["description"], told["de"]["description"]) == (
        "Coronal, knee, 1.5 T",
        "Koronar, Knie, 1,5 T",
    )
    assert (told["closing"]["gaps"], told["closing"]["de"]["gaps"]) == (
        ["1 slice missing"],
        ["1 Schicht fehlt"],
    )
    ghosts = next(one for one in told["artifacts"] if one["present"])
    assert ghosts["lead"] == "Ghosts along phase encoding"
    assert ghosts["de"]["lead"] == "Geisterbilder in Phasenkodierrichtung"
    assert ghosts["de"]["advice"] == told["de"]["advice"][0]
    assert all(one["de"]["text"] != one["text"] for one in ghosts["suggestions"])
    found = client.get(f"{S}/both/findings").json()["items"][0]["evidence"][0]
    assert (found["de"]["title"], found["de"]["reason"]) == (
        "Signal-Rausch-Verhältnis (SNR)",
        "keine Luft im FOV",
    )
    assert client.get(f"{S}/both/slices").json()["items"][0]["de"]["reason"] == UNFAMILIAR.de
    kinds = client.get("/api/v1/artifacts").json()["items"]
    assert next(one for one in kinds if one["name"] == "wrap")["de"]["title"] == "Einfaltung"


def test_a_slice_without_findings_has_no_masks(client: Asked) -> None:
    answer = client.get(f"{S}/s1/slices/0/masks")
    assert (answer.content, answer.headers["x-mask-artifacts"]) == (b"", "")
    problem(client.get(f"{S}/s1/slices/0/masks/ghost.png"), 404)


def test_one_mask_comes_as_png(client: Asked) -> None:
    png = client.get(f"{S}/s1/slices/12/masks/ghost.png").content
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    assert np.array_equal(decoded, blob(NAMES.index("ghost")))


def test_pixels_that_are_no_longer_kept_are_gone(client: Asked, ledger: RecordedLedger) -> None:
    ledger.put(a_series("gone"), some_slices("gone", {}))
    assert problem(client.get(f"{S}/gone/slices/0/image"), 410)["detail"]


def test_the_catalogue_keeps_the_order_of_the_mask_channels(client: Asked) -> None:
    told = client.get("/api/v1/artifacts").json()["items"]
    assert [(one["name"], one["colour"], one["advice"]) for one in told] == [
        (a.name, a.colour, advice_on(a.name, Situation()).line) for a in CATALOGUE
    ]


def test_the_status_tells_parts_queues_and_model(client: Asked) -> None:
    told = client.get("/api/v1/status").json()
    assert told["ready"] is True
    assert told["slices_waiting"] == 3
    assert told["model"]["limits"]
    assert told["parts"][0]["facts"] == {"provider": "CPUExecutionProvider"}


def test_liveness_asks_nobody_and_readiness_asks_everybody(ledger: RecordedLedger) -> None:
    ledger.failing = LedgerUnavailable()
    client = Asked(
        create_app(a_house(ledger, ready={"database": "does not answer", "disk": True, "model": False}))
    )
    assert client.get("/livez").json() == {"alive": True}
    body = problem(client.get("/readyz"), 503)
    assert body["checks"] == {"database": "does not answer", "disk": True, "model": False}


def test_readiness_is_200_when_everything_is(client: Asked) -> None:
    assert client.get("/readyz").status_code == 200


def test_metrics_are_in_the_text_format(client: Asked) -> None:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "scanside_test_total 1.0" in answer.text


def test_the_description_names_every_operation_and_its_problems(client: Asked, app: FastAPI) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert {"/api/v1/series", "/api/v1/events", "/livez", "/metrics"} <= set(document["paths"])
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert {"421", "422", "500"} <= set(operation["responses"])
            for status, response in operation["responses"].items():
                assert status.startswith("2") or set(response["content"]) == {"application/problem+json"}
    wanted = set(re.findall(r"#/components/schemas/([\w.-]+)", client.get("/api/v1/openapi.json").text))
    assert wanted == set(document["components"]["schemas"])
