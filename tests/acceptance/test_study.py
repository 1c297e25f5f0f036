"""The time line of an exam and the layers of a series in a real browser: repeats, evidence, identity, hostile text."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from inference.artifacts import CATALOGUE
from inference.checks import CHECKS, SeriesFact
from inference.evidence import METRICS
from inference.geometry import Sampling
from inference.reference import MetricSummary, Statement
from service.access import Gate
from service.board_views import StepView
from service.ledger_views import DeliveryView, FeedbackView, SeriesFeedback
from service.web import create_app
from service.web.house import Patient
from tests.acceptance.test_access import browser, gate, new_page, sign_in
from tests.acceptance.test_accessibility import nearest, seen, violations_at
from tests.unit.service.web.recorded import RecordedLedger, a_house, a_series, judged, some_slices
from tests.unit.service.web.serving import serving

__all__ = ["browser", "gate"]  # fixtures

STUDY = "/study/study-1"
FOUND = {"motion": 0.9}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "</title><iframe src=javascript:alert(1)>",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "<math><mtext><style><img src=x onerror=alert(1)>",
    "'-alert(1)-'",
    "<a href=javascript:alert(1)>x</a>",
    "\u202e<b onmouseover=alert(1)>",
    "<template><script>alert(1)</script></template>",
)


@pytest.fixture
def ledger() -> RecordedLedger:
    made, now = RecordedLedger(), time.time()

    def put(series_id: str, verdict: str, number: int, ago: float, **more: object) -> None:
        told = {"series_number": number, "opened_at": now - ago, "feedback": SeriesFeedback((), "0"), **more}
        found = FOUND if verdict == "Repeat" else {}
        made.put(judged(series_id, verdict, found, **told), some_slices(series_id, found))  # type: ignore[arg-type]  # fields

    put("scout", "Usable", 1, 900, index=9.2)
    put("failed", "Repeat", 2, 700, index=2.4, reason="Motion", repeated_by="again", told=24, never_came=3)
    put("between", "Check", 3, 500, index=6.0, reason="Doubtful")
    put("again", "Usable", 4, 300, index=8.8, repeats="failed", reason="No artifact stands out")
    made.put(a_series("elsewhere", study="study-2", scanner="MR 9"))
    made.steps = (StepView("IN PROGRESS", now - 1000, None, 4, 96, 3),)
    return made


@pytest.fixture
def url(ledger: RecordedLedger, gate: Gate) -> Iterator[str]:
    with serving(create_app(a_house(ledger, gate=gate))) as made:
        yield made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = new_page(browser)
    yield made
    made.context.close()


def enter(page: Page, url: str, path: str = STUDY, name: str = "tom") -> None:
    page.goto(url + path)
    sign_in(page, name)
    expect(page.locator("#live")).to_contain_text("Live")


def test_an_exam_is_told_in_the_order_of_arrival_and_repeats_are_tied_to_what_failed(
    page: Page, url: str, ledger: RecordedLedger
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    enter(page, url)
    lines = page.locator(".made")
    expect(lines).to_have_count(4)
    for at, (number, word) in enumerate([(1, "Usable"), (2, "Repeat"), (3, "Check"), (4, "Usable")]):
        expect(lines.nth(at)).to_contain_text(f"Series {number} ·")
        expect(lines.nth(at).locator(".row .chip")).to_have_text(word)
    expect(lines.nth(1).locator(".tie")).to_contain_text("Repeated by Series 4:")
    expect(lines.nth(3).locator(".tie")).to_contain_text("Made in place of Series 2:")
    expect(lines.nth(3).locator(".tie .chip")).to_have_text("Repeat")  # it stands beside what it repeats
    expect(lines.nth(1)).to_contain_text("the scanner tells of 24 images, 3 never came")
    expect(page.locator("#steps")).to_contain_text("In progress since")
    expect(page.locator("#steps")).to_contain_text("4 series, 96 images as the scanner tells")
    drawn = page.locator(".tying path")
    expect(drawn).to_have_count(1)
    box = drawn.bounding_box()
    rows = [lines.nth(at).locator(".row").bounding_box() for at in (1, 3)]
    assert box is not None
    assert all(rows)
    for row, end in zip(rows, (box["y"], box["y"] + box["height"]), strict=True):
        assert row is not None
        assert row["y"] - 8 <= end <= row["y"] + row["height"] + 8
    ledger.put(a_series("late", series_number=5, opened_at=time.time()))
    expect(lines).to_have_count(5)
    assert all(one.startswith(url) for one in asked)


def test_an_exam_is_walked_through_by_keyboard(page: Page, url: str) -> None:
    enter(page, url)
    expect(page.locator(".made")).to_have_count(4)
    page.locator("#time").focus()
    page.keyboard.press("End")
    expect(page.locator("#series-again .row")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#series-failed .row")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#series-failed .row")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".head h2")).to_have_text("Repeat")
    page.get_by_role("link", name="Exam").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".made")).to_have_count(4)


def test_an_exam_that_is_not_there_is_said_to_be_none(page: Page, url: str) -> None:
    enter(page, url, "/study/none")
    expect(page.locator("#time")).to_contain_text("There is no such exam")


def test_the_time_line_can_be_used_by_everybody(page: Page, url: str) -> None:
    enter(page, url)
    expect(page.locator(".made")).to_have_count(4)
    page.get_by_role("button", name="Whose images?").click()
    expect(page.locator(".patient")).to_be_visible()
    assert violations_at(page) == []


def test_whose_images_they_are_is_told_on_a_click_that_is_noted_and_stays_with_its_series(
    page: Page, url: str, ledger: RecordedLedger
) -> None:
    ledger.patient = Patient("Yamada^Tarou=山田^太郎", "PID-77")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    enter(page, url, "/#/series/failed")
    button = page.get_by_role("button", name="Whose images?")
    expect(button).to_be_visible()
    assert "Yamada" not in page.content()
    assert ledger.asked == []
    with page.expect_response("**/identity") as told:
        button.click()
    assert told.value.headers["cache-control"] == "no-store"
    expect(page.locator(".patient")).to_contain_text("Yamada, Tarou · 山田, 太郎")
    expect(page.locator(".patient")).to_contain_text("PID-77")
    assert ledger.asked == [("failed", "tom")]
    ledger.put(replace(ledger.series["failed"], reason="Motion, still"))  # drawn anew, the name stays
    expect(page.locator(".head .reason")).to_have_text("Motion, still")
    expect(page.locator(".patient")).to_be_visible()
    page.locator("#series .row", has_text="Series 3").click()
    expect(page.locator(".head h2")).to_have_text("Check")
    assert "Yamada" not in page.content()
    page.locator("#series .row", has_text="Series 2").click()
    expect(button).to_be_visible()
    assert not any("Yamada" in one or "PID" in one for one in asked)
    assert page.evaluate("JSON.stringify([localStorage, sessionStorage])").count("Yamada") == 0


@pytest.mark.parametrize(
    ("series_id", "said"), [("nobody", "has been let go"), ("elsewhere-key", "holds no key")]
)
def test_an_identity_that_cannot_be_told_is_said_so(
    page: Page, url: str, ledger: RecordedLedger, series_id: str, said: str
) -> None:
    series_id = series_id.removesuffix("-key")
    ledger.put(judged(series_id, "Usable", {}, index=9.0), some_slices(series_id, {}))
    enter(page, url, f"/#/series/{series_id}")
    page.get_by_role("button", name="Whose images?").click()
    expect(page.locator(".patient")).to_contain_text(said)


def test_who_may_not_ask_is_not_offered_to(page: Page, url: str, ledger: RecordedLedger) -> None:
    enter(page, url, "/#/series/failed", "ada")
    expect(page.locator(".head h2")).to_have_text("Repeat")
    expect(page.get_by_role("button", name="Whose images?")).to_have_count(0)
    answer = page.evaluate(
        """async () => {
          const { change, whoAmI } = await import('/static/session.js');
          await whoAmI();
          return change('POST', '/series/failed/identity').then(() => 200, (error) => error.status);
        }"""
    )
    assert answer == 403
    assert ledger.asked == []


def test_evidence_stands_on_its_band_and_leads_to_the_slice(
    page: Page, url: str, ledger: RecordedLedger
) -> None:
    inside, outside = METRICS[0], METRICS[1]
    series = ledger.series["failed"]
    statement = Statement(inside.name, "agrees", 0.9, 0.3, 0.7, decisive=True)
    ledger.series["failed"] = replace(
        series,
        artifacts=tuple(replace(one, evidence=(statement,) * one.present) for one in series.artifacts),
        evidence=(
            MetricSummary(inside.name, 0.4, 0.5, 4, 24, 0.3, 0.7),
            MetricSummary(outside.name, 0.4, 0.9, 7, 24, 0.3, 0.7),
            MetricSummary(METRICS[2].name, None, None, None, 0, None, None, "needs air"),
        ),
        sampling=Sampling(volumes=4, of=120, slices=2784),
    )
    enter(page, url, "/#/series/failed")
    lines = page.locator(".metrics tbody tr")
    expect(lines).to_have_count(2)
    expect(lines.nth(0).locator(".band-bar .band")).to_have_count(1)
    expect(lines.nth(0).locator(".band-bar circle.value")).to_have_count(1)
    expect(lines.nth(0)).not_to_contain_text("outside")
    expect(lines.nth(1).locator(".band-bar .beyond")).to_have_count(1)
    expect(lines.nth(1)).to_contain_text("outside")
    expect(page.locator(".metrics")).to_contain_text("needs air")
    expect(page.locator(".artifacts .evidence .band-bar")).to_have_count(1)
    bar = lines.nth(0).locator(".band").bounding_box()
    value = lines.nth(0).locator("circle.value").bounding_box()
    assert bar is not None
    assert value is not None
    assert bar["x"] < value["x"] + value["width"] / 2 < bar["x"] + bar["width"]
    lines.nth(1).get_by_role("button", name="Slice 8").click()
    expect(page.locator(".place")).to_contain_text("Slice 8 of 24")
    expect(page.locator(".facts")).to_contain_text("4 of 120, 2784 slices left out")
    expect(page.locator(".facts")).to_contain_text("3f2a9c0d1e5b" + "0" * 52)
    expect(page.locator(".thresholds")).to_contain_text("Usable from index 7")
    expect(page.locator(".thresholds")).to_contain_text("below index 3.5")
    expect(page.locator(".thresholds")).to_contain_text("farther than 12.5")
    expect(page.locator(".artifact .meter-limit")).to_have_count(1)


def test_slices_that_were_left_out_and_tiles_say_what_they_are(
    page: Page, url: str, ledger: RecordedLedger
) -> None:
    slices = ledger.slices["failed"]
    slices[0] = replace(slices[0], state="unsampled", index=None)
    slices[1] = replace(slices[1], tile=7, frame=3)
    enter(page, url, "/#/series/failed")
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "1")
    page.locator(".picture").focus()
    page.keyboard.press("Home")
    expect(page.locator(".note")).to_contain_text("other volumes of this series were scored")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".place")).to_contain_text("frame 3 · tile 7")
    expect(page.locator(".note")).to_be_empty()


def test_the_pages_measure_themselves(page: Page, url: str) -> None:
    enter(page, url, "/#/series/failed")
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "1")
    page.locator(".picture").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("w")
    expect(page.locator(".place")).to_contain_text("Slice 13 of 24")
    page.wait_for_timeout(500)
    entries = page.evaluate("performance.getEntriesByType('measure').map(({name}) => name).sort()")
    assert entries == ["draw", "jump", "slice"]  # one of each: a page that stays open does not grow


@pytest.mark.parametrize("path", ["/", "/#/series/bad", "/board/MR%202", STUDY])
def test_hostile_text_stays_text_wherever_it_is_shown(
    page: Page, url: str, ledger: RecordedLedger, path: str
) -> None:
    complaints: list[str] = []
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    text = iter(HOSTILE * 9)
    shown = next(text)
    series = judged(
        "bad",
        "Repeat",
        FOUND,
        index=2.0,
        opened_at=time.time(),
        reason=shown,
        advice=(next(text), next(text)),
        model=next(text),
        provider=next(text),
        close_reason=next(text),
        closing={
            "sign": next(text),
            "received": 24,
            "expected": 24,
            "counts": {next(text): 24},
            "gaps": [next(text)],
            "waited_s": 1.0,
            "quiet_s": 1.0,
            "longest_pause_s": 1.0,
        },
        geometry=(SeriesFact(CHECKS[0].name, present=True, value=1.0, detail=next(text)),),
        evidence=(MetricSummary(METRICS[0].name, None, None, None, 0, None, None, next(text)),),
        feedback=SeriesFeedback((FeedbackView("agreed", next(text), next(text), time.time()),), "1"),
        repeats="failed",
    )
    slices = [replace(one, reason=next(text)) for one in some_slices("bad", FOUND)]
    ledger.put(replace(series, description=replace(series.description)), slices)
    ledger.patient = Patient(next(text), next(text))
    ledger.steps = (StepView(next(text), time.time(), None, 1, 1, 0),)
    ledger.deliveries.append(
        DeliveryView("1", "bad", 1, next(text), "SR", "dead", 3, None, next(text), next(text))
    )
    ledger.put(a_series("named", scanner=HOSTILE[1], study="study-3"))
    enter(page, url, path)
    expect(page.locator("main")).to_contain_text(shown)
    whose = page.get_by_role("button", name="Whose images?")
    if path not in {"/", "/board/MR%202"}:
        whose.click()
        expect(page.locator(".patient")).to_be_visible()
    page.wait_for_timeout(300)
    assert page.locator("main :is(img, iframe, script, template, math, b, style, object)").count() == 0
    assert page.locator("main [onerror], main [onload], main [onmouseover]").count() == 0
    assert page.evaluate("[...document.links].filter((a) => a.protocol === 'javascript:').length") == 0
    assert complaints == []


@pytest.mark.parametrize("vision", ["none", "protanopia", "deuteranopia", "tritanopia"])
def test_the_colours_of_artifacts_are_told_apart_as_the_browser_shows_them_to_every_eye(
    page: Page, url: str, vision: str
) -> None:
    page.goto(f"{url}/login")
    page.evaluate(
        """(colours) => {
          document.body.replaceChildren(...colours.map((colour, i) => {
            const patch = document.createElement('div');
            Object.assign(patch.style, {
              position: 'fixed', left: `${40 * i}px`, top: '0', width: '40px', height: '40px',
            });
            patch.style.background = colour;
            return patch;
          }));
        }""",
        [one.colour for one in CATALOGUE],
    )
    colours = seen(page, vision, [(40 * i + 20, 20) for i in range(len(CATALOGUE))])
    assert nearest(colours) >= 10.0
