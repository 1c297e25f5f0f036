"""Signing in with a real browser: people, boards, what they say to verdicts, and pages that everybody can use."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from service.access import Gate, Role
from service.ledger.tokens import Grant
from service.ledger_views import SeriesFeedback
from service.web import create_app
from tests.peers import CHROMIUM_ARGS, chromium, free_port
from tests.unit.service.web.recorded import RecordedLedger, a_gate, a_house, a_series, judged, some_slices
from tests.unit.service.web.serving import serving

PASSWORD = "blue horse under moon"
FOUND = {"motion": 0.9}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGS))
        yield made
        made.close()


@pytest.fixture
def gate() -> Gate:
    made = a_gate()
    for name, role in (("ada", Role.ADMINISTRATOR), ("tom", Role.TECHNOLOGIST), ("pia", Role.PHYSICIST)):
        made.users.add(name, role, PASSWORD, "test")
    return made


@pytest.fixture
def ledger() -> RecordedLedger:
    made = RecordedLedger()
    told = {"index": 2.4, "reason": "Motion", "feedback": SeriesFeedback((), "0")}
    made.put(judged("bad", "Repeat", FOUND, **told), some_slices("bad", FOUND))  # type: ignore[arg-type]  # fields
    made.put(a_series("other", scanner="MR 9"))
    return made


@pytest.fixture
def url(ledger: RecordedLedger, gate: Gate) -> Iterator[str]:
    with serving(create_app(a_house(ledger, gate=gate))) as made:
        yield made


def new_page(browser: Browser, width: int = 1366) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.set_default_timeout(10_000)
    return page


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Sign in by keyboard alone; the page has put the focus where one begins."""
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def test_a_link_to_a_series_leads_through_the_sign_in_and_back_to_it(browser: Browser, url: str) -> None:
    page = new_page(browser)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}/#/series/bad")
    sign_in(page, "tom", "wrong")
    expect(page.locator("#person-said")).to_contain_text("wrong")
    expect(page.locator("#password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".head h2")).to_have_text("Repeat")
    expect(page.locator("#who")).to_contain_text("tom technologist")
    cookie = page.context.cookies()[0]
    assert (cookie["name"], cookie["httpOnly"], cookie["secure"]) == ("__Host-scanside", True, True)
    assert cookie["sameSite"] == "Strict"
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert all(one.startswith(url) for one in asked)
    page.locator("#who summary", has_text="tom").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{url}/login")
    page.goto(url)
    expect(page).to_have_url(f"{url}/login?next=/")


def test_what_one_says_the_other_sees_at_once(browser: Browser, url: str, ledger: RecordedLedger) -> None:
    tom, pia = new_page(browser), new_page(browser)
    for page, name in ((tom, "tom"), (pia, "pia")):
        page.goto(f"{url}/#/series/bad")
        sign_in(page, name)
        expect(page.locator(".saying button")).to_have_count(6)
    tom.get_by_role("button", name="Wrong alarm").focus()
    tom.keyboard.press("Enter")
    for page in (tom, pia):
        expect(page.locator(".sayings")).to_contain_text("Wrong alarm, says tom, technologist")
    expect(tom.get_by_role("button", name="Wrong alarm")).to_be_focused()
    assert [one.kind for one in ledger.series["bad"].feedback.items] == ["wrong alarm"]


def test_an_administrator_reads_and_says_nothing_to_verdicts(browser: Browser, url: str) -> None:
    page = new_page(browser)
    page.goto(f"{url}/#/series/bad")
    sign_in(page, "ada")
    expect(page.locator(".head h2")).to_have_text("Repeat")
    expect(page.locator(".saying")).to_have_count(0)


def test_an_added_user_changes_the_first_password_before_all_else(browser: Browser, url: str) -> None:
    page = new_page(browser)
    page.goto(f"{url}/login?next=/users")
    sign_in(page, "ada")
    page.locator("#user-name").fill("petra")
    page.locator("#user-role").select_option("physicist")
    page.get_by_role("button", name="Add user").click()
    first = page.locator("#once code").inner_text()
    fresh = new_page(browser)
    fresh.goto(url)
    sign_in(fresh, "petra", first)
    expect(fresh).to_have_url(f"{url}/account")
    expect(fresh.locator("#temporary")).to_be_visible()
    for field, value in (("#current", first), ("#new", "a quiet lake"), ("#again", "a quiet lake at dawn")):
        fresh.locator(field).fill(value)
    fresh.get_by_role("button", name="Change password").click()
    expect(fresh.locator("#password-said")).to_have_text("The two new passwords differ.")
    fresh.locator("#new").fill("a quiet lake at dawn")
    fresh.get_by_role("button", name="Change password").click()
    expect(fresh.locator("#series .row")).to_have_count(2)
    page.get_by_role("button", name="Lock: petra").click()
    expect(page.locator("#users")).to_contain_text("Locked")
    expect(fresh).to_have_url(re.compile("/login"), timeout=20_000)


def test_a_board_shows_its_scanner_and_nothing_else(browser: Browser, url: str, gate: Gate) -> None:
    grant = Grant(name="board", scopes=frozenset({"read"}), scanner="MR 9")
    secret = gate.tokens.issue(grant, gate.clock(), "test").secret
    page = new_page(browser)
    page.goto(url)
    page.locator("summary").click()
    page.locator("#token").fill(secret)
    page.keyboard.press("Enter")
    expect(page.locator("#series .row")).to_have_count(1)
    expect(page.locator("#series")).to_contain_text("MR 9")
    expect(page.locator("#who")).to_contain_text("board of MR 9")
    expect(page).to_have_url(f"{url}/board/MR%209")
    expect(page.locator("#who a")).to_have_count(1)  # back to this board, wherever one went


def test_a_person_signs_in_in_place_of_a_board(browser: Browser, url: str, gate: Gate) -> None:
    grant = Grant(name="board", scopes=frozenset({"read"}), scanner="MR 9")
    secret = gate.tokens.issue(grant, gate.clock(), "test").secret
    page = new_page(browser)
    page.goto(f"{url}/login")
    page.locator("summary").click()
    page.locator("#token").fill(secret)
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_contain_text("board of MR 9")
    page.goto(f"{url}/login")
    sign_in(page, "tom")
    expect(page.locator("#who")).to_contain_text("tom technologist")


def test_roles_are_given_by_keyboard_and_the_focus_stays(browser: Browser, url: str, gate: Gate) -> None:
    page = new_page(browser)
    page.goto(f"{url}/login?next=/users")
    sign_in(page, "ada")
    page.get_by_label("Role of tom").focus()
    for _ in range(4):  # past every other role
        page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Role of tom")).to_have_value("administrator")
    assert gate.accounts.get("tom").role == "technologist"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#users-said")).to_have_text("tom is administrator now.")
    expect(page.get_by_label("Role of tom")).to_be_focused()
    assert gate.accounts.get("tom").role == "administrator"
    page.get_by_role("button", name="Remove: tom").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#users-said")).to_have_text("Press again: Remove, tom")
    expect(page.get_by_role("button", name="Press again: Remove, tom")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#users")).not_to_contain_text("tom")
    expect(page.locator("#users-title")).to_be_focused()


def test_a_session_that_ended_while_the_service_was_away_leads_to_the_sign_in(
    browser: Browser, ledger: RecordedLedger, gate: Gate
) -> None:
    page, port = new_page(browser), free_port()
    with serving(create_app(a_house(ledger, gate=gate)), port) as url:
        page.goto(url)
        sign_in(page, "tom")
        expect(page.locator("#live-word")).to_have_text("Live")
    expect(page.locator("#banner")).to_contain_text("NOT LIVE", timeout=20_000)
    gate.users.lock("tom", "test")
    with serving(create_app(a_house(ledger, gate=gate)), port):
        expect(page).to_have_url(re.compile("/login"), timeout=20_000)


def test_without_users_the_page_says_that_it_is_open(browser: Browser) -> None:
    with serving(create_app(a_house(RecordedLedger()))) as url:
        page = new_page(browser)
        page.goto(url)
        expect(page.locator("#who")).to_contain_text("Open to everybody on this machine")
