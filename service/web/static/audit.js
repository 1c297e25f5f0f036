// The audit log: what people did, whether it is whole, and its rows as a file.

import { byId, h, put, say } from "/static/dom.js";
import { moment } from "/static/formats.js";
import { fillWords, locale } from "/static/language.js";
import { enter } from "/static/nav.js";
import { ask } from "/static/session.js";
import { WORDS } from "/static/words.audit.js";

const FIELDS = ["since", "until", "actor", "what", "subject"];
let asked = 0;
let following = null;

fillWords(WORDS);

const given = () => Object.fromEntries(FIELDS.map((name) => [name, new URLSearchParams(location.search).get(name) ?? ""]));
const midnight = (day, further) => {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + further).toISOString();
};

// The days of the form are whole ones, by this screen's clock.
function query(values) {
  const told = new URLSearchParams();
  for (const name of ["actor", "what", "subject"]) if (values[name]) told.set(name, values[name]);
  if (values.since) told.set("since", midnight(values.since, 0));
  if (values.until) told.set("until", midnight(values.until, 1));
  return told;
}

const details = (detail) => Object.entries(detail).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");

const row = (one) =>
  h(
    "tr", { "data-id": one.id },
    h("td", {}, one.id.toLocaleString(locale)),
    h("td", {}, moment(one.at)),
    h("th", { scope: "row" }, one.actor || WORDS.nobody, one.address ? h("span", { class: "quiet" }, one.address) : null),
    h("td", {}, one.what),
    h("td", { class: "wrap" }, one.subject),
    h("td", {}, one.result === "refused" ? h("strong", { class: "flag" }, WORDS.results.refused) : (WORDS.results[one.result] ?? one.result)),
    h("td", { class: "wrap small" }, details(one.detail)),
  );

function drawFiles(values) {
  const link = (form, word) => h("a", { class: "button", download: "", href: `/api/v1/audit/export?${query(values)}&format=${form}` }, word);
  put(byId("files"), link("csv", WORDS.csv), link("json", WORDS.json));
}

async function draw(further = null) {
  const values = given();
  const mine = ++asked;
  const told = query(values);
  if (further) told.set("cursor", further);
  try {
    const { items, next_cursor: next } = await ask(`/audit?${told}`);
    if (mine !== asked) return;
    if (further) byId("rows").append(...items.map(row));
    else put(byId("rows"), items.map(row));
    following = next;
    byId("more").hidden = next === null;
    const n = byId("rows").rows.length;
    say(byId("said"), n ? WORDS.shown(n.toLocaleString(locale), next !== null) : WORDS.nothing);
  } catch (error) {
    if (mine === asked) say(byId("said"), WORDS.failed(error.message));
  }
  drawFiles(values);
}

async function check() {
  const place = byId("checked");
  put(place, h("p", {}, WORDS.checking));
  byId("check").disabled = true;
  try {
    const found = await ask("/audit/check");
    const word = found.sound ? WORDS.sound(found.rows.toLocaleString(locale), found.head.toLocaleString(locale)) : WORDS.unsound;
    put(
      place,
      h("p", { class: found.sound ? "notice good" : "notice bad" }, h("strong", {}, found.sound ? "✓ " : "✕ "), word),
      found.faults.length ? h("ul", { class: "dots faults" }, found.faults.map(({ id, told }) => h("li", {}, WORDS.fault(id, told)))) : null,
      found.digest ? h("p", { class: "quiet secret" }, `${WORDS.digest}: `, h("code", {}, found.digest)) : null,
    );
  } catch (error) {
    put(place, h("p", { class: "said" }, WORDS.failed(error.message)));
  }
  byId("check").disabled = false;
}

function show(values) {
  const told = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
  history.pushState(null, "", told.size ? `/audit?${told}` : "/audit");
  draw();
}

// The kinds that the log knows, and the one that the address names.
function offer(kinds) {
  const { what } = given();
  const known = [...new Set([what, ...kinds])].filter(Boolean);
  put(byId("what"), h("option", { value: "" }, WORDS.any), known.map((kind) => h("option", { value: kind }, kind)));
  byId("what").value = what;
}

function fillForm(values) {
  for (const name of FIELDS) byId(name).value = values[name];
}

offer([]);
fillForm(given());
byId("choice").addEventListener("submit", (event) => {
  event.preventDefault();
  show(Object.fromEntries(FIELDS.map((name) => [name, byId(name).value.trim()])));
});
byId("choice").addEventListener("reset", () => show(Object.fromEntries(FIELDS.map((name) => [name, ""]))));
byId("more").addEventListener("click", () => draw(following));
byId("check").addEventListener("click", check);
addEventListener("popstate", () => { fillForm(given()); draw(); });
enter(async () => {
  offer((await ask("/audit/kinds")).items);
  await draw();
});
