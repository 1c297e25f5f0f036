"""Review in a real browser: by keys, two people at once, blind, hostile text; and thresholds that are accepted."""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from inference.artifacts import CATALOGUE
from inference.verdict import Thresholds
from service.access import Gate, Role
from service.ledger import Database, ReviewBook, prepare
from service.ledger.thresholds import ThresholdBook
from service.ledger.tokens import Grant
from service.naming import NamesSomebody
from service.review.reviewing import Reviewing
from service.review.views import ReviewSelection
from service.web import create_app
from tests.acceptance.test_access import PASSWORD, new_page, sign_in
from tests.acceptance.test_accessibility import nearest, seen, violations_at
from tests.peers import CHROMIUM_ARGS, chromium
from tests.unit.service.review.reviewing import (
    KEY,
    MODEL,
    put_past,
    put_review,
    put_scanner,
    put_series,
    quality,
)
from tests.unit.service.web.recorded import RecordedLedger, a_gate, a_house, judged, some_slices
from tests.unit.service.web.serving import serving

FOUND = {"motion": 0.9, "ghost": 0.5}
FOCUS = """(wanted) => {
  const one = document.activeElement;
  return [one.matches(wanted), getComputedStyle(one).outlineStyle];
}"""
SIDES = """(all, inside) => all.map((one) => one.getBoundingClientRect())
  .map(({ left, top, height }) => [left + inside, top + height / 2])"""


@dataclass(frozen=True)
class Site:
    """A served console with its rooms."""

    url: str
    book: ReviewBook
    room: Reviewing
    database: Database
    ledger: RecordedLedger
    scanner_id: int

    def queue(self, series_id: str, **more: object) -> None:
        """Bring a series with pictures into the queue."""
        now = time.time()
        score = quality(5.5, found=tuple(FOUND))
        verdict = put_series(self.database, self.scanner_id, series_id, score, now)
        told = {"artifacts": " motion ghost ", **more}
        put_review(self.database, self.scanner_id, series_id, str(more.get("verdict", verdict)), now, **{
            name: value for name, value in told.items() if name != "verdict"
        })  # fmt: skip
        self.ledger.put(judged(series_id, "Check", FOUND, index=5.5), some_slices(series_id, FOUND))

    def decisions(self, series_id: str) -> list[tuple[str, str, str]]:
        """Give author, decision and comment of what was decided on a series."""
        for tier in (0, 1, 2):
            cases, _ = self.book.queue(ReviewSelection(tier=tier), 200)
            for case in cases:
                if case.review.series_id == series_id:
                    return [(one.author, one.decision, one.comment) for one in case.decisions]
        return []


def screen(text: str, _by: str, _about: Collection[str]) -> None:
    if "doe" in text.casefold():
        raise NamesSomebody(NamesSomebody.__doc__)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGS))
        yield made
        made.close()


@pytest.fixture(scope="module")
def gate() -> Gate:
    made = a_gate()
    people = (("tom", Role.TECHNOLOGIST), ("tina", Role.TECHNOLOGIST), ("pia", Role.PHYSICIST))
    for name, role in people:
        made.users.add(name, role, PASSWORD, "test")
    return made


@pytest.fixture
def site(tmp_path: Path, gate: Gate) -> Iterator[Site]:
    database = Database(f"sqlite:///{tmp_path}/ledger.sqlite")
    prepare(database)
    ledger = RecordedLedger()
    book = ReviewBook(database, time.time)
    room = Reviewing(
        book,
        ThresholdBook(database, Thresholds(), MODEL, time.time),
        screen,
        lambda _limit, _after: ([], None),
    )
    house = replace(a_house(ledger, gate=gate), reviewing=room)
    with serving(create_app(house)) as url:
        yield Site(url, book, room, database, ledger, put_scanner(database))
    database.close()


def at_review(browser: Browser, site: Site, name: str, width: int = 1366) -> Page:
    page = new_page(browser, width)
    page.goto(f"{site.url}/login?next=/review")
    sign_in(page, name)
    expect(page.locator("#tiers button").first).to_be_visible()
    return page


def test_usable_takes_one_key_and_the_next_series_opens_by_itself(browser: Browser, site: Site) -> None:
    for number in range(3):
        site.queue(f"s{number}")
    page = at_review(browser, site, "tom")
    expect(page.locator(".case-link")).to_have_count(3)
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "2")
    page.keyboard.press("u")
    expect(page.locator("#said")).to_contain_text("Usable: MR 2, series 5 is saved.")
    expect(page.locator(".case-link")).to_have_count(2)
    expect(page.locator(".case-link[aria-current]")).to_have_count(1)
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "2")
    page.keyboard.press("u")
    expect(page.locator(".case-link")).to_have_count(1)
    assert site.decisions("s0") == [("tom", "usable", "")]
    assert site.decisions("s1") == [("tom", "usable", "")]
    page.get_by_role("link", name="Open it again").click()
    expect(page.locator("ul.made")).to_contain_text("tom, first tier")
    page.context.close()


def test_all_but_usable_wants_a_comment_that_names_nobody(browser: Browser, site: Site) -> None:
    site.queue("s0")
    page = at_review(browser, site, "tom")
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "2")
    page.keyboard.press("e")
    expect(page.locator("#comment")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".trouble")).to_contain_text("A comment is needed")
    page.keyboard.type("Mrs. Doe moved")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".trouble")).to_contain_text("names a patient")
    page.locator("#comment").fill("<img src=x onerror=alert(1)> moved")
    page.get_by_role("checkbox", name="Ghosting").check()
    box = page.locator(".picture").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".placed")).to_contain_text("50 % from the left, 50 % from the top")
    page.locator("#comment").press("Control+Enter")
    expect(page.locator("#said")).to_contain_text("Usable with limits")
    assert site.decisions("s0") == [("tom", "limits", "<img src=x onerror=alert(1)> moved")]
    (case,), _ = site.book.queue(ReviewSelection(tier=0), 10)
    made = case.decisions[0]
    assert made.tags == ("ghost",)
    assert made.cursor is not None
    assert (made.cursor.slice, round(made.cursor.x, 1), round(made.cursor.y, 1)) == (12, 0.5, 0.5)
    page.get_by_role("link", name="Open it again").click()
    expect(page.locator(".made .comment")).to_have_text("<img src=x onerror=alert(1)> moved")
    assert page.locator(".made img").count() == 0
    page.context.close()


def test_of_two_at_once_the_second_sees_both_and_nothing_is_lost(browser: Browser, site: Site) -> None:
    site.queue("s0")
    tom, tina = (at_review(browser, site, name) for name in ("tom", "tina"))
    for page in (tom, tina):
        expect(page.locator(".picture")).to_have_attribute("data-drawn", "2")
    tina.keyboard.press("n")
    tina.locator("#comment").fill("breathing everywhere")
    tom.keyboard.press("u")
    expect(tom.locator("#said")).to_contain_text("is saved")
    tina.locator("#comment").press("Control+Enter")
    dialog = tina.locator("#merge")
    expect(dialog).to_contain_text("Saved by tom")
    expect(dialog).to_contain_text("breathing everywhere")
    assert site.decisions("s0") == [("tom", "usable", "")]
    dialog.get_by_role("button", name="Save mine, too").click()
    expect(tina.locator("#said")).to_contain_text("Unusable")
    assert site.decisions("s0") == [("tom", "usable", ""), ("tina", "unusable", "breathing everywhere")]
    for page in (tom, tina):
        page.context.close()


def test_a_blind_series_shows_its_verdict_after_the_decision_and_nothing_before(
    browser: Browser, site: Site
) -> None:
    site.queue("s0", blind=True, why=["control"], share=0.03)
    page = at_review(browser, site, "tom")
    expect(page.locator(".case")).to_contain_text("shown after your decision")
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "0")
    for word in ("Check", "control", "Severity"):
        assert word not in page.locator(".case").inner_text() + page.locator("#queue").inner_text()
    page.keyboard.press("u")
    expect(page.locator("#said")).to_contain_text("The model said Check.")
    page.context.close()


def test_what_is_doubtful_waits_for_the_second_tier(browser: Browser, site: Site) -> None:
    site.queue("s0")
    tom = at_review(browser, site, "tom")
    expect(tom.locator(".picture")).to_have_attribute("data-drawn", "2")
    tom.keyboard.press("d")
    tom.keyboard.type("is this a flow void")
    tom.keyboard.press("Control+Enter")
    expect(tom.locator("#said")).to_contain_text("Doubtful")
    tom.get_by_role("button", name="Second tier").click()
    tom.locator(".case-link").click()
    expect(tom.locator(".decision")).to_contain_text("A physicist or radiologist decides this one.")
    pia = at_review(browser, site, "pia")
    expect(pia.locator(".decision")).to_contain_text("is this a flow void")
    expect(pia.locator("[data-choice=doubtful]")).to_be_disabled()
    pia.keyboard.press("u")
    expect(pia.locator("#said")).to_contain_text("is saved")
    assert site.decisions("s0")[-1] == ("pia", "usable", "")
    for page in (tom, pia):
        page.context.close()


def test_the_queue_is_narrowed_down_by_scanner_verdict_artifact_and_age(browser: Browser, site: Site) -> None:
    site.queue("s0")
    site.queue("s1", verdict="Repeat", artifacts=" spike ")
    site.queue("s2", entered_at=time.time() - 4 * 86400)
    page = at_review(browser, site, "tom")
    rows = page.locator(".case-link")
    expect(rows).to_have_count(3)
    page.locator("#filters summary").click()
    for field, choice, left in (
        ("#by-verdict", "Repeat", 1),
        ("#by-artifact", "spike", 1),
        ("#by-artifact", "motion", 2),
        ("#by-age", "72", 1),
    ):
        page.locator(field).select_option(choice)
        expect(rows).to_have_count(left)
        expect(page.locator("#filtered")).to_have_text("1 on")
        page.locator(field).select_option("")
        expect(rows).to_have_count(3)
    page.locator("#by-scanner").fill("MR 7")
    page.keyboard.press("Tab")
    expect(page.locator("#queue")).to_have_text("Nothing fits the filter.")
    page.context.close()


def test_a_physicist_tries_accepts_and_takes_back_thresholds(browser: Browser, site: Site) -> None:
    put_past(site.database, site.scanner_id, time.time())
    page = new_page(browser)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.url}/login?next=/agreement")
    sign_in(page, "pia")
    expect(page.locator(".figure")).to_have_count(6)
    expect(page.locator("#figures")).to_contain_text("120 series decided")
    page.get_by_role("button", name="Open: MR 2").click()
    page.get_by_role("button", name="Look for better thresholds").click()
    expect(page.locator(".trial")).to_contain_text("Alerts on 120 series")
    page.get_by_label("Why").fill("too many alarms")
    page.get_by_role("button", name="Put in force").click()
    expect(page.locator("#protocol .said")).to_contain_text("Accepted")
    expect(page.locator("#protocols")).to_contain_text("version 1")
    in_force = site.room.thresholds.in_force(site.scanner_id, KEY)
    assert (in_force.number, in_force.live != Thresholds()) == (1, True)
    page.get_by_role("button", name="Back to the settings").click()
    page.get_by_role("button", name="Press again").click()
    expect(page.locator("#protocols")).to_contain_text("settings")
    assert site.room.thresholds.in_force(site.scanner_id, KEY).live == Thresholds()
    assert all(one.startswith(site.url) for one in asked)
    page.context.close()


WIDTHS = (1366, 683, 320)  # 683: 1366 pixels at 200 %


def tab_to(page: Page, wanted: str, key: str = "Tab") -> None:
    """Go on by the key until the focus is where it is wanted; it is seen wherever it stops."""
    for _ in range(80):
        page.keyboard.press(key)
        there, outline = page.evaluate(FOCUS, wanted)
        assert outline not in {"", "none"}
        if there:
            return
    raise AssertionError(wanted)


def test_by_keyboard_alone_a_series_is_chosen_in_the_queue_and_decided(browser: Browser, site: Site) -> None:
    site.queue("s0")
    site.queue("s1")
    page = at_review(browser, site, "tom")
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "2")
    chosen = page.locator(".case-link:not([aria-current])").get_attribute("data-id")
    tab_to(page, ".case-link:not([aria-current])")
    page.keyboard.press("Enter")
    expect(page.locator(".case-link[aria-current]")).to_have_attribute("data-id", str(chosen))
    expect(page.locator("#case")).to_have_attribute("data-shown", str(chosen))
    tab_to(page, "[data-choice=unusable]")
    page.keyboard.press("Space")
    expect(page.locator("[data-choice=unusable]")).to_have_attribute("aria-pressed", "true")
    if not page.evaluate("document.activeElement.matches('#comment')"):
        tab_to(page, "#comment")
    page.keyboard.type("nothing can be read")
    tab_to(page, ".tag input[value=ghost]")
    page.keyboard.press("Space")
    tab_to(page, ".save", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Unusable")
    decided = {name: site.decisions(name) for name in ("s0", "s1")}
    assert sorted(decided.values()) == [[], [("tom", "unusable", "nothing can be read")]]
    cases, _ = site.book.queue(ReviewSelection(tier=0), 10)
    assert [case.decisions[0].tags for case in cases] == [("ghost",)]
    page.context.close()


@pytest.mark.parametrize("vision", ["none", "protanopia", "deuteranopia", "tritanopia", "achromatopsia"])
def test_what_is_ticked_and_chosen_is_told_apart_by_every_eye(
    browser: Browser, site: Site, vision: str
) -> None:
    site.queue("s0")
    page = browser.new_context(device_scale_factor=4, viewport={"width": 1366, "height": 1400}).new_page()
    page.goto(f"{site.url}/login?next=/review")
    sign_in(page, "tom")
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "2")
    page.keyboard.press("e")
    expect(page.locator("[data-choice=limits]")).to_have_attribute("aria-pressed", "true")
    edges = page.locator(".tag .swatch").evaluate_all(SIDES, 0.5)  # where each is of its own colour alone
    assert len(edges) == len(CATALOGUE)
    if vision != "achromatopsia":  # whom the hatching serves: no eye tells so many greys
        assert nearest(seen(page, vision, edges)) >= 10.0
    grounds = page.locator(".rating").evaluate_all(SIDES, 5)
    light = seen(page, vision, grounds) @ (0.2126, 0.7152, 0.0722)
    pressed, others = light[1], np.delete(light, 1)
    assert all((max(pressed, one) + 0.05) / (min(pressed, one) + 0.05) >= 3 for one in others)
    page.context.close()


def test_the_queue_can_be_used_by_everybody(browser: Browser, site: Site) -> None:
    site.queue("s0")
    site.queue("s1", blind=True, why=["control"], share=0.03)
    page = at_review(browser, site, "tom")
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "2")
    assert violations_at(page) == []
    page.keyboard.press("m")
    page.keyboard.press("e")
    assert violations_at(page) == []
    page.locator(".case-link").nth(1).click()
    expect(page.locator(".decision .blind-note")).to_be_visible()
    assert violations_at(page) == []
    page.context.close()


def test_agreement_and_thresholds_can_be_used_by_everybody(browser: Browser, site: Site) -> None:
    put_past(site.database, site.scanner_id, time.time())
    page = new_page(browser)
    page.goto(f"{site.url}/login?next=/agreement")
    sign_in(page, "pia")
    page.get_by_role("button", name="Open: MR 2").click()
    page.get_by_role("button", name="Look for better thresholds").click()
    expect(page.locator(".trial")).to_be_visible()
    assert violations_at(page) == []
    page.context.close()


def test_a_device_without_review_is_kept_out(browser: Browser, site: Site, gate: Gate) -> None:
    page = new_page(browser)
    token = gate.tokens.issue(
        Grant(name=f"t{time.time_ns()}", scopes=frozenset({"read"})), gate.clock(), "test"
    )
    answer = page.request.get(
        f"{site.url}/api/v1/reviews", headers={"Authorization": f"Bearer {token.secret}"}
    )
    assert answer.status == 403
    page.context.close()
