"""axe's rules for WCAG 2.2 A and AA, and its good practice: wide, at 200 % and at 320 pixels.

Every page is opened in `test_pages.py`; here are those of signing in, in more of their states.
"""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from service.access import Gate
from service.ledger.tokens import Grant
from tests.acceptance.test_access import browser, gate, ledger, new_page, sign_in, url

__all__ = ["browser", "gate", "ledger", "url"]  # fixtures

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
WIDTHS = (1366, 683, 320)  # 683: 1366 pixels at 200 %


@pytest.fixture(params=WIDTHS)
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    made = new_page(browser, width=request.param)
    yield made
    made.context.close()


def violations(page: Page) -> list[str]:
    """Give what axe complains of, and what does not fit the width."""
    found = Axe().run(page, options=OPTIONS).response["violations"]
    told = [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]
    beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*told, *([f"{beyond} pixels too wide"] if beyond > 0 else [])]


def test_axe_finds_what_is_wrong(page: Page, url: str) -> None:
    page.goto(f"{url}/login")
    page.evaluate("document.querySelector('label').remove()")
    assert any(one.startswith("label: ") for one in violations(page))


def test_the_sign_in_can_be_used_by_everybody(page: Page, url: str) -> None:
    page.goto(f"{url}/login")
    assert violations(page) == []
    page.locator("summary").click()
    page.locator("#token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#board-said")).not_to_be_empty()
    assert violations(page) == []


def test_users_tokens_and_the_account_can_be_used_by_everybody(page: Page, url: str, gate: Gate) -> None:
    gate.tokens.issue(Grant(name="t", scopes=frozenset({"read"})), gate.clock(), "test")
    page.goto(f"{url}/login?next=/users")
    sign_in(page, "ada")
    expect(page.locator("#users tr")).to_have_count(3)
    assert violations(page) == []
    page.locator("#user-name").fill("petra")
    page.get_by_role("button", name="Add user").click()
    expect(page.locator("#once code")).to_be_visible()
    page.get_by_label("Role of tom").select_option("physicist")
    page.get_by_role("button", name="Remove: tom").click()
    assert violations(page) == []
    page.goto(f"{url}/account")
    expect(page.locator("#sessions tr")).to_have_count(1)
    assert violations(page) == []


def test_the_console_can_be_used_by_everybody(page: Page, url: str) -> None:
    page.goto(f"{url}/login?next=/")
    sign_in(page, "tom")
    expect(page.locator("#series .row")).to_have_count(2)
    assert violations(page) == []
    page.goto(f"{url}/#/series/bad")
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "1")
    assert violations(page) == []
