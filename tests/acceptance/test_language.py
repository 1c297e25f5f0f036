"""The console in two languages: the same words in each, chosen by the browser or by a button."""

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from inference.checks import SeriesFact
from inference.ground import NO_AIR
from inference.reference import Statement
from inference.series import Answer, Description
from inference.text import Text
from tests.acceptance.test_access import browser, gate, ledger, sign_in, url
from tests.unit.service.web.recorded import RecordedLedger, judged, some_slices

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


SILENT = Statement("snrd", "n/a", None, None, None, decisive=False, reason=NO_AIR)
KNEE = Description.of(
    [Answer("orientation", "CORONAL"), Answer("weighting", "T1"), Answer("part", "KNEE")], 1.5
)
GAP = SeriesFact(
    "missing", present=True, value=2.0, detail=Text("2 missing between others", "2 fehlen zwischen anderen")
)


UNMARKED = """(part) => {
  const copy = part.cloneNode(true);
  for (const other of copy.querySelectorAll("[lang=en]")) other.remove();
  return copy.textContent;
}"""  # what is not said to be English: sources of advice are


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


def test_what_the_service_says_is_german_on_german_pages(
    german: Page, url: str, ledger: RecordedLedger
) -> None:
    found = {"ghost": 0.6}
    seen = judged("told", "Repeat", found, description=KNEE, geometry=(GAP,))
    ledger.put(
        replace(
            seen,
            reason=Text("Non-diagnostic: ghosting", "Nicht diagnostisch: Geisterbilder"),
            artifacts=tuple(
                replace(one, evidence=(SILENT,)) if one.present else one for one in seen.artifacts
            ),
        ),
        some_slices("told", found),
    )
    german.goto(f"{url}/login?next=/board/{quote(seen.scanner)}")
    sign_in(german, "ada")
    newest = german.locator("#latest")
    expect(newest.locator(".verdict")).to_have_text("Wiederholen")
    expect(newest.locator(".reason")).to_have_text("Nicht diagnostisch: Geisterbilder")
    expect(newest.locator(".advice")).to_contain_text(
        "Geisterbilder in Phasenkodierrichtung: Patient ruhig lagern"
    )
    expect(newest.locator(".where")).to_contain_text("Koronar T1, Knie, 1,5 T")
    german.goto(f"{url}/#/series/told")
    side = german.locator(".side")
    expect(side).to_contain_text("Phasenkodierrichtung")
    expect(side.locator(".suggestions li").first).to_contain_text(
        "Patient ruhig lagern; auf Bewegung und Pulsation"
    )
    expect(side.locator(".whole")).to_contain_text("Schichten fehlen 2 fehlen zwischen anderen")
    expect(side.locator(".evidence").first).to_contain_text("Signal-Rausch-Verhältnis (SNR)")
    expect(side.locator(".evidence").first).to_contain_text("keine Luft im FOV")
    english = re.compile(r"\b(the|slices|ghosts?|missing|encoding|patient moved)\b")
    for part in (german.locator(".head"), side):
        assert english.findall(part.evaluate(UNMARKED)) == []
    german.goto(f"{url}/study/{seen.study}")
    expect(german.locator("main")).to_contain_text("Nicht diagnostisch: Geisterbilder")
