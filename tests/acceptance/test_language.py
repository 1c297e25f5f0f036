"""The console in two languages: the same words in each, chosen by the browser or by a button."""

from collections.abc import Iterator
from importlib import resources

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.test_access import browser, gate, ledger, sign_in, url

__all__ = ["browser", "gate", "ledger", "url"]  # fixtures

CATALOGUES = sorted(
    file.name
    for file in resources.files("service.web").joinpath("static").iterdir()
    if file.name.startswith("words.")
)
SHAPE = """async (name) => {
  const { CATALOGUE } = await import(`/static/${name}`);
  const shape = (value) =>
    typeof value === "function" ? `function of ${value.length}`
    : Array.isArray(value) ? value.map(shape)
    : typeof value === "object" ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, shape(value[key])]))
    : value === "" ? "nothing" : typeof value;
  return Object.fromEntries(Object.entries(CATALOGUE).map(([language, words]) => [language, shape(words)]));
}"""


@pytest.fixture
def german(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="de-DE")
    yield context.new_page()
    context.close()


def test_every_catalogue_has_the_same_words_in_both_languages(german: Page, url: str) -> None:
    assert len(CATALOGUES) >= 3
    german.goto(f"{url}/login")
    for name in CATALOGUES:
        shapes = german.evaluate(SHAPE, name)
        assert shapes["de"] == shapes["en"], name
        assert len(shapes["en"]) > 0


def test_a_german_browser_is_answered_in_german_until_another_language_is_chosen(
    german: Page, url: str
) -> None:
    german.goto(f"{url}/login?next=/users")
    expect(german.locator("h1")).to_have_text("Anmelden")
    expect(german.locator("html")).to_have_attribute("lang", "de")
    sign_in(german, "ada")
    expect(german.locator("h1")).to_have_text("Benutzer und Token")
    german.locator("#who summary", has_text="ada").click()
    german.get_by_role("button", name="English").click()
    expect(german.locator("h1")).to_have_text("Users and tokens")
    expect(german.locator("html")).to_have_attribute("lang", "en")
    german.reload()
    expect(german.locator("h1")).to_have_text("Users and tokens")
