"""The board of one scanner in a real browser: read from afar, heard, seen by one press, and never silently dead."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from service.access import Gate
from service.ledger.tokens import Grant
from service.ledger_views import SeriesFeedback
from service.web import create_app
from tests.acceptance.test_access import browser, gate, new_page, sign_in
from tests.acceptance.test_accessibility import WIDTHS, violations_at
from tests.peers import free_port
from tests.unit.service.web.recorded import RecordedLedger, a_house, a_series, judged, some_slices
from tests.unit.service.web.serving import serving

__all__ = ["browser", "gate"]  # fixtures

FOUND = {"motion": 0.9}
BOARD = "/board/MR%202"
SECOND = 1000.0
WIDE = (320, 480, 768, 1100, 1366)
SHOWN = """() => {
  const one = document.querySelector("#latest .verdict");
  const right = document.querySelector("#latest").getBoundingClientRect().right;
  return [parseFloat(getComputedStyle(one).fontSize), one.scrollWidth - one.clientWidth, right];
}"""
SMALL = """() => [...document.querySelectorAll('a, button, summary, label.switch')].filter((e) => {
  const { width, height } = e.getBoundingClientRect();
  return width && !e.classList.contains('skip') && (height < 44 || width < 44);
}).map((e) => e.outerHTML.slice(0, 120))"""
HEARD = """window.heard = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) {
  window.heard.push([Math.round(this.frequency.value), at]);
  return start.call(this, at);
};"""
TOLD = """window.told = [];
window.EventSource = class extends EventSource {
  addEventListener(kind, hear) {
    super.addEventListener(kind, (message) => {
      if (kind !== "hello" && message.lastEventId) window.told.push(Number(message.lastEventId));
      hear(message);
    });
  }
};"""


@pytest.fixture
def ledger() -> RecordedLedger:
    made, now = RecordedLedger(), time.time()
    early = {
        "opened_at": now - 600,
        "last_instance_at": now - 560,
        "closed_at": now - 559,
        "series_number": 3,
    }
    made.put(judged("usable", "Usable", {}, index=9.1, reason="No artifact stands out", **early))
    made.put(a_series("open", series_number=7, received=11, expected=32, opened_at=now - 5))
    made.put(judged("annex", "Repeat", FOUND, index=1.0, reason="Of the other scanner", scanner="MR 9"))
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


def alert(ledger: RecordedLedger, series_id: str = "bad", verdict: str = "Repeat", **changes: object) -> None:
    now = time.time()
    told = {"index": 2.4, "reason": "Non-diagnostic: motion", "opened_at": now, "closed_at": now}
    more = {"feedback": SeriesFeedback((), "0"), **told, **changes}
    series = judged(series_id, verdict, FOUND, **more)  # type: ignore[arg-type]  # whatever the test says
    ledger.put(series, some_slices(series_id, FOUND), "alert")


def open_board(page: Page, url: str, name: str = "tom", path: str = BOARD) -> None:
    page.goto(url + path)
    sign_in(page, name)
    expect(page.locator("#live")).to_contain_text("Live")


def until(page: Page, holds: str, within_s: float = 10) -> None:
    """Wait until an expression holds; the page's own policy forbids Playwright's way of asking again and again."""
    ends = time.monotonic() + within_s
    while not page.evaluate(holds):
        assert time.monotonic() < ends, holds
        page.wait_for_timeout(50)


def test_the_board_is_read_from_afar_and_shows_one_scanner(
    page: Page, url: str, ledger: RecordedLedger
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_board(page, url)
    expect(page.locator("#latest .verdict")).to_have_text("Usable")
    expect(page.locator("#series .row")).to_have_count(2)
    expect(page.locator("main")).not_to_contain_text("Of the other scanner")
    alert(ledger)
    verdict = page.locator("#latest .verdict")
    expect(verdict).to_have_text("Repeat")
    assert float(verdict.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")) >= 48
    expect(page.locator("#latest .reason")).to_have_text("Non-diagnostic: motion")
    expect(page.locator("#latest .advice")).to_contain_text("The patient moved")
    expect(page.locator("#latest .icon")).to_be_visible()
    expect(page.locator("#exam .step")).to_have_count(3)
    until(page, "performance.getEntriesByName('verdict-shown').some(e => e.detail === 'bad')")
    alert(ledger, "elsewhere", scanner="MR 9", reason="Of the other scanner, too")
    alert(ledger, "next", "Check", reason="Doubtful")
    expect(verdict).to_have_text("Check")
    assert all(one.startswith(url) for one in asked)
    assert not any("series/elsewhere" in one for one in asked)


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en-GB", ("Usable", "Check", "Repeat", "Not scored")),
        ("de-DE", ("Verwendbar", "Prüfen", "Wiederholen", "Nicht bewertet")),
    ],
)
def test_every_verdict_is_large_and_whole_on_every_width(
    browser: Browser, url: str, ledger: RecordedLedger, locale: str, words: tuple[str, ...]
) -> None:
    page = browser.new_context(locale=locale).new_page()
    open_board(page, url)
    for verdict, word in zip(("Usable", "Check", "Repeat", "Not scored"), words, strict=True):
        alert(ledger, verdict.replace(" ", "-"), verdict)
        expect(page.locator("#latest .verdict")).to_have_text(word)
        for width in WIDE:
            page.set_viewport_size({"width": width, "height": 900})
            size, beyond, right = page.evaluate(SHOWN)
            assert size >= 48, (word, width)
            assert beyond <= 0, (word, width)
            assert right <= width, (word, width)
    page.context.close()


def test_the_age_of_the_last_image_ticks(page: Page, url: str) -> None:
    open_board(page, url)
    expect(page.locator("#age")).to_have_text(re.compile(r"Last image \d+ s ago"))
    before = page.locator("#age").inner_text()
    expect(page.locator("#age")).not_to_have_text(before)


@pytest.mark.parametrize("by", ["click", "key"])
def test_an_alert_is_acknowledged_by_one_press(page: Page, url: str, ledger: RecordedLedger, by: str) -> None:
    open_board(page, url)
    alert(ledger)
    seen = page.locator("#latest").get_by_role("button", name="Seen")
    expect(seen).to_be_visible()
    if by == "click":
        seen.click()
    else:
        page.keyboard.press("a")
    expect(page.locator("#latest .was-seen")).to_have_text("Seen by tom")
    said = ledger.series["bad"].feedback.items
    assert [(one.kind, one.author, one.role) for one in said] == [("acknowledged", "tom", "technologist")]


def test_letters_do_nothing_once_they_are_turned_off(page: Page, url: str, ledger: RecordedLedger) -> None:
    open_board(page, url)
    alert(ledger)
    page.locator(".keys summary").click()
    page.get_by_label("Keys of one letter").uncheck()
    page.reload()
    expect(page.locator("#latest .verdict")).to_have_text("Repeat")
    page.locator("body").press("a")
    expect(page.locator("#latest").get_by_role("button", name="Seen")).to_be_visible()
    assert ledger.series["bad"].feedback.items == ()


def test_an_older_alert_is_not_forgotten_because_a_newer_verdict_came(
    page: Page, url: str, ledger: RecordedLedger
) -> None:
    open_board(page, url)
    alert(ledger, series_number=8)
    expect(page.locator("#latest .verdict")).to_have_text("Repeat")
    alert(ledger, "fine", "Usable", index=9.0, reason="No artifact stands out")
    expect(page.locator("#latest .verdict")).to_have_text("Usable")
    expect(page.locator("#waiting")).to_contain_text("Series 8")
    page.locator("#waiting").get_by_role("button", name="Seen").click()
    expect(page.locator("#waiting")).to_be_hidden()


def test_a_kiosk_sees_its_own_board_alone_and_may_say_that_an_alert_was_seen(
    page: Page, url: str, ledger: RecordedLedger, gate: Gate
) -> None:
    grant = Grant(name="wall 2", scopes=frozenset({"read", "acknowledge"}), scanner="MR 2")
    secret = gate.tokens.issue(grant, gate.clock(), "test").secret
    page.goto(f"{url}/login")
    page.locator("summary").click()
    page.locator("#token").fill(secret)
    page.keyboard.press("Enter")
    expect(page).to_have_url(url + BOARD)
    alert(ledger)
    page.locator("#latest").get_by_role("button", name="Seen").click()
    expect(page.locator("#latest .was-seen")).to_have_text("Seen by wall 2")
    assert [(one.author, one.role) for one in ledger.series["bad"].feedback.items] == [("wall 2", "board")]
    page.goto(f"{url}/board/MR%209")
    expect(page.locator(".wall .verdict")).to_have_text("No such scanner")
    expect(page.locator("main")).not_to_contain_text("Of the other scanner")
    expect(page.locator(".boards a")).to_have_text(["MR 2"])
    page.goto(f"{url}/boards")
    expect(page.locator(".card")).to_have_count(1)


def test_whoever_may_not_say_it_to_everybody_silences_this_screen_alone(
    page: Page, url: str, ledger: RecordedLedger
) -> None:
    open_board(page, url, "ada")
    alert(ledger)
    page.get_by_role("button", name="Silence here").click()
    expect(page.locator("#latest .was-seen")).to_have_text("Silenced on this screen")
    assert ledger.series["bad"].feedback.items == ()


def test_a_name_that_no_scanner_has_is_no_quiet_day(page: Page, url: str) -> None:
    open_board(page, url, path="/board/MR%203")
    expect(page.locator(".wall .verdict")).to_have_text("No such scanner")
    expect(page.locator(".boards a")).to_have_text(["MR 2", "MR 9"])


def test_sound_is_off_until_a_press_and_differs_for_check_and_repeat_which_comes_again(
    page: Page, url: str, ledger: RecordedLedger
) -> None:
    page.add_init_script(HEARD)
    open_board(page, url)
    sound = page.locator("#sound")
    expect(sound).to_contain_text("SOUND OFF")
    alert(ledger, "silent", "Check")
    expect(page.locator("#latest .verdict")).to_have_text("Check")
    assert page.evaluate("heard") == []
    sound.click()
    expect(sound).to_contain_text("Sound on")
    page.evaluate("heard.length = 0")
    alert(ledger, "doubt", "Check")
    until(page, "heard.length > 0")
    check = [tone for tone, _ in page.evaluate("heard")]
    page.evaluate("heard.length = 0")
    alert(ledger)
    until(page, "heard.length > 0")
    repeat = [tone for tone, _ in page.evaluate("heard")]
    assert len(check) != len(repeat)
    until(page, f"heard.length > {len(repeat)}", within_s=20)
    page.keyboard.press("a")
    expect(page.locator("#latest .was-seen")).to_be_visible()
    page.reload()  # remembered, but a browser is silent until somebody presses something
    expect(sound).to_contain_text(re.compile("SOUND OFF|Sound on"))
    page.keyboard.press("Tab")
    expect(sound).to_contain_text("Sound on")
    sound.click()
    expect(sound).to_contain_text("SOUND OFF")
    page.reload()
    page.keyboard.press("Tab")
    expect(sound).to_contain_text("SOUND OFF")


def test_a_killed_server_is_said_and_every_missed_event_comes_once(
    browser: Browser, ledger: RecordedLedger
) -> None:
    page, port = new_page(browser), free_port()
    page.add_init_script(TOLD)
    with serving(create_app(a_house(ledger)), port) as url:
        page.goto(url + BOARD)
        expect(page.locator("#live")).to_contain_text("Live")
        alert(ledger, "before")
        expect(page.locator("#latest .verdict")).to_have_text("Repeat")
        first = len(ledger.events)
    expect(page.locator("#banner")).to_contain_text("NOT LIVE", timeout=10 * SECOND)
    for number in range(700):  # more than a page of events
        alert(ledger, f"missed-{number % 40}")
    with serving(create_app(a_house(ledger)), port):
        expect(page.locator("#banner")).to_be_hidden()
        alert(ledger, "after", "Check")
        expect(page.locator("#latest .verdict")).to_have_text("Check")
        told = page.evaluate("told")
    assert told == list(range(first, len(ledger.events) + 1))
    page.context.close()


def test_the_slices_are_reached_from_the_board_and_left_by_keyboard_alone(
    page: Page, url: str, ledger: RecordedLedger
) -> None:
    alert(ledger)
    open_board(page, url)
    expect(page.locator("#latest .verdict")).to_have_text("Repeat")
    page.locator("#main").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#latest [data-act=show]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".head h2")).to_have_text("Repeat")
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "1")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.artifact") == "motion":
            break
    page.keyboard.press("Enter")
    expect(page.locator(".place")).to_contain_text("Slice 13 of 24")
    page.keyboard.press("Escape")
    expect(page).to_have_url(url + BOARD)
    expect(page.locator("#latest .verdict")).to_have_text("Repeat")
    page.keyboard.press("d")
    expect(page.locator(".head h2")).to_have_text("Repeat")


def test_a_repeat_that_was_aborted_on_purpose_has_a_button(
    page: Page, url: str, ledger: RecordedLedger
) -> None:
    alert(ledger, incomplete=True)
    open_board(page, url, path="/")
    page.locator("#series .row", has_text="Repeat").first.click()
    ledger.series["annex"] = replace(ledger.series["annex"], verdict="Usable")
    page.goto(f"{url}/#/series/bad")
    page.get_by_role("button", name="Aborted on purpose").click()
    expect(page.locator(".head .sayings")).to_contain_text("Aborted on purpose by tom, technologist")
    page.goto(url + BOARD)
    expect(page.locator("#series .row", has_text="Aborted on purpose")).to_have_count(1)
    expect(page.locator("#latest").get_by_role("button", name="Seen")).to_have_count(0)


def small_at(page: Page) -> list[str]:
    """Give what is too small for a finger at any width."""
    found: list[str] = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found += page.evaluate(SMALL)
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    return found


def test_boards_can_be_used_by_everybody(page: Page, url: str, ledger: RecordedLedger) -> None:
    page.emulate_media(reduced_motion="reduce")
    open_board(page, url)
    alert(ledger, series_number=8)
    alert(ledger, "next", "Check")
    expect(page.locator("#waiting")).to_be_visible()
    assert violations_at(page) == []
    assert small_at(page) == []
    assert page.evaluate("document.getAnimations().length") == 0
    page.goto(f"{url}/boards")
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator(".card").first).to_contain_text("Check")
    assert violations_at(page) == []
    assert small_at(page) == []
    page.locator(".card").first.click()
    expect(page).to_have_url(url + BOARD)
