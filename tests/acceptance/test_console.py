"""The console in a real browser: what a technologist sees, does, and is warned of."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from service.web import create_app
from service.web.feed import Feed
from tests.peers import CHROMIUM_ARGS, chromium, free_port, run, scanside
from tests.series import mr_series, write_series
from tests.unit.service.web.recorded import RecordedLedger, a_house, a_series, judged, some_slices
from tests.unit.service.web.serving import serving

FOUND = {"motion": 0.9, "ghost": 0.6}
WORST = 12  # position of the worst slice of `some_slices`
SECOND = 1000.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGS))
        yield made
        made.close()


@dataclass
class Seen:
    """What the browser did beyond drawing."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on(
            "console", lambda said: said.type in {"error", "warning"} and self.complaints.append(said.text)
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def page(browser: Browser, seen: Seen) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    made = context.new_page()
    made.set_default_timeout(10 * SECOND)
    seen.watch(made)
    yield made
    context.close()


@pytest.fixture
def ledger() -> RecordedLedger:
    made = RecordedLedger()
    now = time.time()
    early = {"opened_at": now - 600, "last_instance_at": now - 560, "closed_at": now - 559}
    made.put(
        judged("usable", "Usable", {}, index=9.1, reason="No artifact stands out", **early),
        some_slices("usable", {}),
    )
    made.put(a_series("open", series_number=7, received=11, expected=32, opened_at=now - 5))
    return made


@pytest.fixture
def url(ledger: RecordedLedger) -> Iterator[str]:
    with serving(create_app(a_house(ledger))) as made:
        yield made


def a_repeat(series_id: str = "bad", **changes: object) -> tuple[object, object]:
    told: dict[str, object] = {
        "index": 2.4,
        "reason": "Non-diagnostic: motion, ghosting",
        "opened_at": time.time(),
    }
    return judged(series_id, "Repeat", FOUND, **{**told, **changes}), some_slices(series_id, FOUND)


def alert(ledger: RecordedLedger, series_id: str = "bad", **changes: object) -> None:
    series, slices = a_repeat(series_id, **changes)
    ledger.put(series, slices, "alert")  # type: ignore[arg-type]  # a pair of what `put` takes


def drawn(page: Page, planes: int) -> None:
    expect(page.locator(".picture")).to_have_attribute("data-drawn", str(planes))


def brightness(page: Page) -> float:
    """Sum up what the canvas shows, from 0 (black) to 1."""
    return float(
        page.evaluate(
            """() => {
              const canvas = document.querySelector('.picture');
              const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
              let sum = 0;
              for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
              return sum / (data.length / 4) / 765;
            }"""
        )
    )


def test_the_page_lists_series_with_verdict_index_scanner_and_time(page: Page, url: str, seen: Seen) -> None:
    page.goto(url)
    rows = page.locator("#series .row")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Receiving")
    expect(rows.nth(0)).to_contain_text("11 of 32 images")
    expect(rows.nth(1)).to_contain_text("Usable")
    expect(rows.nth(1)).to_contain_text("9.1")
    expect(rows.nth(1)).to_contain_text("MR 2")
    expect(rows.nth(1)).to_contain_text("Series 5 · T2 SE, 1.5 T")
    expect(rows.nth(1).locator("time")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("Live")
    assert all(request.startswith(url) for request in seen.requests)
    assert seen.complaints == []


def test_an_alert_appears_by_itself_and_is_read_from_afar(
    page: Page, url: str, ledger: RecordedLedger, seen: Seen
) -> None:
    page.goto(url)
    expect(page.locator("#latest .verdict")).to_have_text("Usable")
    alert(ledger)
    verdict = page.locator("#latest .verdict")
    expect(verdict).to_have_text("Repeat")
    assert float(verdict.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")) >= 48
    expect(page.locator("#latest .reason")).to_have_text("Non-diagnostic: motion, ghosting")
    expect(page.locator("#latest .advice")).to_contain_text("The patient moved")
    expect(page.locator("#latest .icon")).to_be_visible()
    expect(page.locator("#series .row").first).to_contain_text("Repeat")
    assert seen.complaints == []


def test_a_click_drills_down_to_artifacts_and_to_the_overlay_on_the_worst_slice(
    page: Page, url: str, ledger: RecordedLedger, seen: Seen
) -> None:
    alert(ledger)
    page.goto(url)
    page.locator("#series .row", has_text="Repeat").click()
    expect(page.locator(".head h2")).to_have_text("Repeat")
    drawn(page, 2)
    assert brightness(page) > 0.02
    motion = page.locator(".artifact", has_text="Motion")
    expect(motion).to_contain_text("90 %")
    expect(motion).to_contain_text("97 %")
    expect(page.locator(".artifacts")).to_contain_text("The patient moved")
    page.locator(".slices input").first.fill("0")
    drawn(page, 0)
    motion.click()
    drawn(page, 1)
    expect(page.locator(".place")).to_contain_text(f"Slice {WORST + 1} of 24")
    expect(page.locator(".here")).to_contain_text("20 % of the body")
    motion.click()
    drawn(page, 2)
    expect(page.locator(".facts")).to_contain_text("scanside-artifacts 0.1.0")
    expect(page.locator(".facts")).to_contain_text("3f2a9c0d1e5b")
    expect(page.locator(".limits")).to_contain_text("smaller than about four pixels")
    expect(page.locator(".deliveries")).to_contain_text("Nothing has been sent yet")
    assert seen.complaints == []


def test_overlay_and_window_follow_their_tools(page: Page, url: str, ledger: RecordedLedger) -> None:
    alert(ledger)
    page.goto(f"{url}/#/series/bad")
    drawn(page, 2)
    full = brightness(page)
    page.get_by_role("button", name="Outline").click()
    page.get_by_role("button", name="Hide").click()
    drawn(page, 0)
    page.get_by_role("button", name="Hide").click()
    drawn(page, 2)
    page.get_by_role("button", name="Fill").click()
    page.get_by_label("Opacity").fill("0")
    page.wait_for_timeout(100)
    plain = brightness(page)
    page.locator(".picture").evaluate("e => e.scrollIntoView({block: 'center'})")
    box = page.locator(".picture").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 60, steps=4)
    page.mouse.up()
    page.wait_for_timeout(100)
    assert brightness(page) > plain + 0.02  # upwards is brighter
    page.get_by_role("button", name="Reset window").click()
    page.get_by_label("Opacity").fill("70")
    page.wait_for_timeout(100)
    assert brightness(page) == pytest.approx(full, abs=0.002)


def test_everything_can_be_done_with_the_keyboard(page: Page, url: str, ledger: RecordedLedger) -> None:
    alert(ledger)
    page.goto(url)
    expect(page.locator("#series .row")).to_have_count(3)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.dataset.id") == "bad":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_focused()
    drawn(page, 2)
    while page.evaluate("document.activeElement?.className") != "picture":
        page.keyboard.press("Tab")
    place = page.locator(".place")
    for key, slice_ in (
        ("Home", 1),
        ("ArrowRight", 2),
        ("ArrowDown", 3),
        ("ArrowLeft", 2),
        ("End", 24),
        ("w", WORST),
    ):
        page.keyboard.press(key)
        expect(place).to_contain_text(f"Slice {slice_ if key != 'w' else WORST + 1} of 24")
    drawn(page, 2)
    page.keyboard.down("h")
    drawn(page, 0)
    page.keyboard.up("h")
    drawn(page, 2)
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{url}/#")
    expect(page.locator("#series .row[data-id=bad]")).to_be_focused()


def test_a_dead_service_is_said_across_the_page_and_what_was_missed_comes_after(
    page: Page, ledger: RecordedLedger
) -> None:
    port = free_port()
    with serving(create_app(a_house(ledger)), port) as url:
        page.goto(url)
        expect(page.locator("#live")).to_contain_text("Live")
        expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#banner")).to_contain_text("NOT LIVE", timeout=10 * SECOND)
    banner, window = page.locator("#banner").bounding_box(), page.viewport_size
    assert banner is not None
    assert window is not None
    assert banner["width"] == window["width"]
    for number in range(60):
        alert(ledger, f"missed-{number}", closed_at=time.time() + number / 100)
    with serving(create_app(a_house(ledger)), port):
        expect(page.locator("#banner")).to_be_hidden()
        expect(page.locator("#live")).to_contain_text("Live")
        expect(page.locator("#series .row")).to_have_count(62, timeout=30 * SECOND)
        expect(page.locator("#latest .button")).to_have_attribute("href", "#/series/missed-59")
        alert(ledger, "after", closed_at=time.time() + 5)
        expect(page.locator("#latest .button")).to_have_attribute("href", "#/series/after")


def test_a_part_that_is_down_is_said_although_the_web_lives(page: Page, ledger: RecordedLedger) -> None:
    app = create_app(a_house(ledger, ready={"database": True, "model": "no worker gives a sign of life"}))
    app.state.feed = Feed(ledger, app.state.house.ready, heartbeat_s=0.1)
    with serving(app) as url:
        page.goto(url)
        expect(page.locator("#banner")).to_contain_text("NOT SCORING")
        expect(page.locator("#banner")).to_contain_text("model: no worker gives a sign of life")


def test_a_verdict_of_the_series_at_hand_appears_without_a_click(
    page: Page, url: str, ledger: RecordedLedger
) -> None:
    page.goto(f"{url}/#/series/open")
    expect(page.locator(".head h2")).to_have_text("Receiving")
    alert(ledger, "open", series_number=7)
    expect(page.locator(".head h2")).to_have_text("Repeat")
    drawn(page, 2)


def test_the_count_of_a_series_on_its_way_grows(page: Page, url: str, ledger: RecordedLedger) -> None:
    page.goto(url)
    expect(page.locator("#series .row").first).to_contain_text("11 of 32 images")
    ledger.series["open"] = replace(ledger.series["open"], received=19)  # single images are no events
    expect(page.locator("#series .row").first).to_contain_text("19 of 32 images")


@pytest.mark.parametrize("where", ["/", "/#/series/bad"])
def test_nothing_is_cut_off_at_320_pixels(page: Page, url: str, ledger: RecordedLedger, where: str) -> None:
    alert(ledger)
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(url + where)
    expect(page.locator(".head h2" if "bad" in where else "#latest .verdict")).to_have_text("Repeat")
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_nothing_moves_for_those_who_ask_for_rest(page: Page, url: str, ledger: RecordedLedger) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(url)
    alert(ledger)
    expect(page.locator("#latest .verdict")).to_have_text("Repeat")
    assert page.evaluate("document.getAnimations().length") == 0


def test_text_from_outside_stays_text(page: Page, url: str, ledger: RecordedLedger, seen: Seen) -> None:
    bad = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
    alert(
        ledger,
        scanner=bad,
        reason=bad,
        advice=(bad,),
        model=bad,
        provider=bad,
        close_reason=bad,
    )
    page.goto(f"{url}/#/series/bad")
    drawn(page, 2)
    expect(page.locator("#latest .reason")).to_have_text(bad)
    assert page.locator("#latest img, #series img, #detail img").count() == 0
    assert page.locator("script").count() == 1
    assert seen.complaints == []


def test_pixels_that_are_gone_are_said_to_be(page: Page, url: str, ledger: RecordedLedger) -> None:
    alert(ledger, "gone")
    page.goto(f"{url}/#/series/gone")
    expect(page.locator(".note")).to_have_text("The pixels of this slice are no longer kept.")


def test_an_outline_encloses_the_area_of_its_mask(page: Page, url: str) -> None:
    page.goto(url)
    area, wanted, outside = page.evaluate(
        """async () => {
          const { contours } = await import('/static/contour.js');
          const [rows, columns] = [40, 60];
          const values = new Uint8Array(rows * columns);
          let wanted = 0;
          for (let r = 0; r < rows; r += 1) for (let c = 0; c < columns; c += 1) {
            const ring = Math.abs(Math.hypot(r - 20, c - 20) - 9) < 4; // with a hole
            const edge = c > 50; // up to the border of the picture
            if (ring || edge) { values[r * columns + c] = 255; wanted += 1; }
          }
          let area = 0, outside = 0;
          for (const path of contours({ values, rows, columns })) {
            path.forEach(([x, y], i) => {
              const [nx, ny] = path[(i + 1) % path.length];
              area += (x * ny - nx * y) / 2;
              outside += x < 0 || y < 0 || x > columns || y > rows;
            });
          }
          return [Math.abs(area), wanted, outside];
        }"""
    )
    assert area == pytest.approx(wanted, rel=0.03)
    assert outside == 0


def test_the_whole_service_from_the_scanner_to_the_page_through_a_crash(
    page: Page, seen: Seen, tmp_path: Path
) -> None:
    ports = {"dicom_port": free_port(), "http_port": free_port()}
    home = f"http://127.0.0.1:{ports['http_port']}"
    verdict = re.compile("Usable|Check|Repeat|Not scored")

    def send(key: str, number: int) -> None:
        paths = write_series(tmp_path / key, mr_series(key=key, series_number=number))
        done = run("send", *map(str, paths), "--to", f"127.0.0.1:{ports['dicom_port']}")
        assert done.returncode == 0, done.stderr

    with scanside(state_dir=tmp_path / "state", quiet_s=0.6, **ports) as house:
        page.goto(home)
        expect(page.locator("#series")).to_have_text("No series has arrived yet.")
        send("first", 3)
        expect(page.locator("#latest .verdict")).to_have_text(verdict, timeout=40 * SECOND)
        told = house.get("/api/v1/series")["items"][0]
        expect(page.locator("#latest .verdict")).to_have_text(told["verdict"])
        expect(page.locator("#series .row")).to_contain_text("Series 3")
        page.locator("#series .row").click()
        page.locator(".slices input").first.fill("4")
        expect(page.locator(".place")).to_contain_text("Slice 5 of 8")
        findings = house.get(f"/api/v1/series/{told['id']}/slices")["items"][4]["findings"]
        drawn(page, sum(finding["present"] and finding["box"] is not None for finding in findings))
        assert brightness(page) > 0.02
        assert seen.complaints == []
        house.kill()
    expect(page.locator("#banner")).to_contain_text("NOT LIVE", timeout=12 * SECOND)
    with scanside(state_dir=tmp_path / "state", quiet_s=0.6, **ports):
        expect(page.locator("#banner")).to_be_hidden()
        send("second", 4)
        expect(page.locator("#latest .where")).to_contain_text("Series 4", timeout=40 * SECOND)
        expect(page.locator("#series .row")).to_have_count(2)
    assert all(request.startswith(home) for request in seen.requests)
    outages = [
        said for said in seen.complaints if "ERR_" not in said
    ]  # the browser's own word for a refused connection
    assert outages == []
