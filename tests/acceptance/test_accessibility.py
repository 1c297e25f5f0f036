"""axe's rules for WCAG 2.2 A and AA, and its good practice: wide, at 200 % and at 320 pixels.

Every page is opened in `test_pages.py`; here are those of signing in, in more of their states.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from service.access import Gate
from service.ledger.tokens import Grant
from tests.acceptance.test_access import browser, gate, ledger, new_page, sign_in, url
from tests.unit.inference.test_artifacts import ciede2000, lab

__all__ = ["browser", "gate", "ledger", "url"]  # fixtures

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS: dict[str, object] = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
SHAPES: dict[str, object] = OPTIONS | {"rules": {"color-contrast": {"enabled": False}}}
"""What depends on a page's width or language: its colours do not, and to look at them takes most of the time."""

BEYOND = """() => new Promise((told) => requestAnimationFrame(() => requestAnimationFrame(
  () => told(document.documentElement.scrollWidth - innerWidth))))"""
WIDTHS = (1366, 683, 320)  # 683: 1366 pixels at 200 %


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = new_page(browser)
    yield made
    made.context.close()


def complaints(page: Page, options: dict[str, object] = OPTIONS) -> list[str]:
    """Give what axe complains of; the page is taught axe once."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("async (options) => (await axe.run(document, options)).violations", options)
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def overflow(page: Page) -> list[str]:
    """Give by how much the page does not fit the width, once it has been drawn for it."""
    beyond = page.evaluate(BEYOND)
    return [f"{beyond} pixels too wide"] if beyond > 0 else []


def violations(page: Page) -> list[str]:
    """Give what axe complains of, and what does not fit the width."""
    return [*complaints(page), *overflow(page)]


def violations_at(page: Page, widths: Sequence[int] = WIDTHS) -> list[str]:
    """Give what does not fit any width, and what axe complains of at the narrowest and the widest, which is left."""
    found: list[str] = []
    for width in sorted(widths):
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{width}: {one}" for one in overflow(page)]
        if width in {min(widths), max(widths)}:
            found += [
                f"{width}: {one}" for one in complaints(page, OPTIONS if width == max(widths) else SHAPES)
            ]
    return found


def seen(page: Page, vision: str, points: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Give points of what is on the screen as an eye of this kind sees them: (points, 3), linear RGB from 0 to 1."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setEmulatedVisionDeficiency", {"type": vision})
    picture = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    ratio = page.evaluate("devicePixelRatio")
    x, y = (np.array(points) * ratio).astype(int).T
    rgb = picture[y, x, ::-1] / 255
    linear: NDArray[np.float64] = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear


def nearest(linear: NDArray[np.float64]) -> float:
    """Give the difference (CIEDE2000) of the two colours that are most alike."""
    pairs = np.triu_indices(len(linear), 1)
    assert len(pairs[0]) == len(linear) * (len(linear) - 1) // 2 > 0
    return float(ciede2000(*lab(linear))[pairs].min())


def test_axe_finds_what_is_wrong(page: Page, url: str) -> None:
    page.goto(f"{url}/login")
    page.evaluate("document.querySelector('label').remove()")
    assert any(one.startswith("label: ") for one in violations(page))


def test_the_sign_in_can_be_used_by_everybody(page: Page, url: str) -> None:
    page.goto(f"{url}/login")
    assert violations_at(page) == []
    page.locator("summary").click()
    page.locator("#token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#board-said")).not_to_be_empty()
    assert violations_at(page) == []


def test_users_tokens_and_the_account_can_be_used_by_everybody(page: Page, url: str, gate: Gate) -> None:
    gate.tokens.issue(Grant(name="t", scopes=frozenset({"read"})), gate.clock(), "test")
    page.goto(f"{url}/login?next=/users")
    sign_in(page, "ada")
    expect(page.locator("#users tr")).to_have_count(3)
    assert violations_at(page) == []
    page.locator("#user-name").fill("petra")
    page.get_by_role("button", name="Add user").click()
    expect(page.locator("#once code")).to_be_visible()
    page.get_by_label("Role of tom").select_option("physicist")
    page.get_by_role("button", name="Remove: tom").click()
    assert violations_at(page) == []
    page.goto(f"{url}/account")
    expect(page.locator("#sessions tr")).to_have_count(1)
    assert violations_at(page) == []


def test_the_console_can_be_used_by_everybody(page: Page, url: str) -> None:
    page.goto(f"{url}/login?next=/")
    sign_in(page, "tom")
    expect(page.locator("#series .row")).to_have_count(2)
    assert violations_at(page) == []
    page.goto(f"{url}/#/series/bad")
    expect(page.locator(".picture")).to_have_attribute("data-drawn", "1")
    assert violations_at(page) == []
