// Search: series by what they are and how they were judged; what is searched for stands in the address.

import { byId, h, put, say } from "/static/dom.js";
import { moment, tenths } from "/static/formats.js";
import { fillWords, locale } from "/static/language.js";
import { enter } from "/static/nav.js";
import { ask } from "/static/session.js";
import { chip } from "/static/verdicts.js";
import { WORDS } from "/static/words.search.js";

const PLAIN = ["since", "until", "scanner", "verdict", "artifact", "state", "reviewed"];
const FACETS = ["weighting", "family", "part", "orientation", "suppression"];

let choices = null;
let artifacts = [];
let asked = 0;
let following = null;
let mayExport = false;

// The address in the API's own words: facets are terms there.
function query(values) {
  const told = new URLSearchParams();
  for (const name of PLAIN) if (values[name]) told.set(name, values[name]);
  for (const facet of FACETS) if (values[facet]) told.append("term", `${facet}=${values[facet]}`);
  return told;
}

function chosen() {
  const given = new URLSearchParams(location.search);
  const values = Object.fromEntries(PLAIN.map((name) => [name, given.get(name) ?? ""]));
  for (const term of given.getAll("term")) {
    const [facet, name] = term.split("=");
    if (FACETS.includes(facet)) values[facet] = name;
  }
  return values;
}

// What the form says; a list that is still to come leaves what the address says.
const read = () => ({ ...chosen(), ...Object.fromEntries([...PLAIN, ...FACETS].map(byId).filter(({ options }) => options?.length !== 0).map(({ id, value }) => [id, value])) });
const option = (value, word, given) => h("option", { value, selected: value === given }, word);
const fill = (name, entries, given) => put(byId(name), option("", WORDS.any, given), ...entries.map(([value, word]) => option(value, word, given)));

function fillChoices(values) {
  fill("verdict", Object.entries(WORDS.verdicts), values.verdict);
  fill("state", Object.entries(WORDS.states), values.state);
  fill("reviewed", [["true", WORDS.yes], ["false", WORDS.no]], values.reviewed);
  for (const name of ["since", "until"]) if (byId(name).value !== values[name]) byId(name).value = values[name];
  if (!choices) return;
  const scanners = [...new Set(choices.groups.map(({ scanner }) => scanner))].sort();
  fill("scanner", scanners.map((name) => [name, name]), values.scanner);
  fill("artifact", artifacts.map(({ name, title }) => [name, title]), values.artifact);
  for (const facet of FACETS) {
    const terms = choices.terms.filter((term) => term.facet === facet).sort((one, other) => one.words.localeCompare(other.words));
    fill(facet, terms.map(({ term, words }) => [term, words]), values[facet]);
  }
}

function row(series) {
  const titles = series.artifacts.map((name) => artifacts.find((one) => one.name === name)?.title ?? name);
  const words = series.description || WORDS.noWords;
  const more = [series.series_number === null ? "" : WORDS.number(series.series_number), series.generation > 1 ? WORDS.revision(series.generation) : "", series.coil];
  return h(
    "tr", { "data-id": series.id },
    h("td", {}, chip(series)),
    h("td", {}, h("a", { href: `/#/series/${encodeURIComponent(series.id)}`, "aria-label": WORDS.open(words) }, words), h("span", { class: "quiet" }, more.filter(Boolean).join(" · "))),
    h("td", {}, tenths(series.index)),
    h("td", {}, titles.join(", ")),
    h("td", {}, series.scanner),
    h("td", {}, moment(series.opened_at)),
    h("td", {}, WORDS.states[series.state] ?? series.state),
    h("td", {}, series.reviewed ? WORDS.yes : WORDS.no),
  );
}

function drawFiles(values) {
  const link = (form, word) => h("a", { class: "button", download: "", href: `/api/v1/search/export?${query(values)}&format=${form}` }, word);
  put(byId("files"), ...(mayExport ? [link("csv", WORDS.csv), link("json", WORDS.json)] : []));
}

// Draws the page after the one that is there where `further` is given, else the first.
async function draw(further = null) {
  const values = chosen();
  const mine = ++asked;
  const told = query(values);
  if (further) told.set("cursor", further);
  try {
    const { items, next_cursor: next } = await ask(`/search?${told}`);
    if (mine !== asked) return;
    const rows = items.map(row);
    if (further) byId("rows").append(...rows);
    else put(byId("rows"), ...rows);
    following = next;
    byId("more").hidden = next === null;
    const n = byId("rows").rows.length;
    say(byId("said"), n ? WORDS.shown(n.toLocaleString(locale), next !== null) : WORDS.nothing);
    if (further) rows[0]?.querySelector("a").focus();
  } catch (error) {
    if (mine === asked) say(byId("said"), WORDS.failed(error.message));
  }
  drawFiles(values);
  document.body.dataset.drawn = String(mine);
  performance.mark("search-drawn");
}

function changed(values) {
  history.pushState(null, "", `?${query(values)}`);
  draw();
}

fillWords(WORDS);
put(byId("head"), ...WORDS.head.map((word) => h("th", { scope: "col" }, word)));
byId("choice").addEventListener("change", () => changed(read()));
byId("choice").addEventListener("submit", (event) => event.preventDefault());
byId("choice").addEventListener("reset", (event) => {
  event.preventDefault();
  for (const name of [...PLAIN, ...FACETS]) byId(name).value = "";
  changed({});
});
byId("more").addEventListener("click", () => draw(following));
addEventListener("popstate", () => { fillChoices(chosen()); draw(); });
fillChoices(chosen());
enter(async (session) => {
  mayExport = session.permissions.includes("export");
  const [told, catalogue] = await Promise.all([ask("/trends/choices"), ask("/artifacts")]);
  [choices, artifacts] = [told, catalogue.items];
  fillChoices(chosen());
  await draw();
});
