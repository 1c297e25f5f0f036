// How far model and reviewers agree, and the protocols whose thresholds can be tried and accepted.

import { none } from "/static/controls.js";
import { byId, h, put, s } from "/static/dom.js";
import { percent } from "/static/formats.js";
import { fillWords, locale } from "/static/language.js";
import { enter } from "/static/nav.js";
import { ProtocolPanel, short } from "/static/agreement.protocol.js";
import { ask } from "/static/session.js";
import { WORDS as COMMON } from "/static/words.js";
import { WORDS } from "/static/words.agreement.js";

const YEAR = 365;
const VERDICTS = ["Usable", "Check", "Repeat"];
const plain = (value) => value.toLocaleString(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
// [field, how it is written, the least and the greatest value of its axis]
const FIGURES = [["model", plain, -1, 1], ["alerts", percent, 0, 1], ["repeats", percent, 0, 1], ["missed", percent, 0, 1], ["limited", percent, 0, 1], ["tiers", plain, -1, 1]];

let protocols = [];
let cursor = null;

const panel = new ProtocolPanel(byId("protocol"), (fresh) => {
  protocols = protocols.map((one) => (one.id === fresh.id ? fresh : one));
  list();
});

// The interval as a bar on its axis, with the figure as a tick.
function range({ value, low, high }, least, greatest) {
  const at = (number) => (100 * (number - least)) / (greatest - least);
  const [left, right] = [low ?? value, high ?? value].map(at);
  return s(
    "svg", { class: "range", viewBox: "0 0 100 14", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("line", { x1: 0, x2: 100, y1: 7, y2: 7, stroke: "#7d8f9f", "stroke-width": 1, "vector-effect": "non-scaling-stroke" }),
    s("rect", { x: left, width: Math.max(0.6, right - left), y: 3.5, height: 7, fill: "#a9b8c6" }),
    s("line", { x1: at(value), x2: at(value), y1: 0, y2: 14, stroke: "#ffffff", "stroke-width": 3, "vector-effect": "non-scaling-stroke" }),
  );
}

function card([name, write, least, greatest], found) {
  const one = found[name];
  const known = one.value !== null;
  const between = known && one.low !== null ? ` (${write(one.low)} – ${write(one.high)})` : "";
  return h(
    "div", { class: "figure" },
    h("h3", {}, WORDS[name]), h("p", { class: "quiet" }, WORDS[`${name}What`]),
    h("p", { class: known ? "value" : "value none" }, known ? write(one.value) : WORDS.notKnown),
    known ? range(one, least, greatest) : null,
    known ? h("p", { class: "quiet" }, `${WORDS.on(one.n)}${between}`) : null,
  );
}

const confusion = (table) =>
  h(
    "table", { class: "confusion" }, h("caption", {}, WORDS.table),
    h("thead", {}, h("tr", {}, h("td", {}), WORDS.decisions.map((word) => h("th", { scope: "col" }, word)))),
    h("tbody", {}, table.map((row, i) => h("tr", {}, h("th", { scope: "row" }, COMMON.verdicts[VERDICTS[i]]), row.map((n, j) => h("td", { class: i === j ? "agrees" : null }, String(n)))))),
  );

async function figures() {
  const found = new URLSearchParams({ days: byId("days").value });
  const whose = byId("whose").value;
  if (whose.startsWith("p:")) found.set("protocol", whose.slice(2));
  else if (whose) found.set("scanner", whose.slice(2));
  try {
    const told = await ask(`/agreement?${found}`);
    if (!told.reviewed) put(byId("figures"), h("p", { class: "quiet" }, WORDS.nothingDecided));
    else {
      put(
        byId("figures"),
        h("p", {}, WORDS.reviewed(told.reviewed, told.objections)), h("p", { class: "quiet" }, WORDS.weighed),
        h("div", { class: "cards" }, FIGURES.map((figure) => card(figure, told))),
        h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": WORDS.table }, confusion(told.table)),
      );
    }
  } catch (error) {
    put(byId("figures"), h("p", { class: "said" }, error.message));
  }
}

const named = (one) => `${one.scanner}, ${one.description || WORDS.unknown}`;

function row(one) {
  const version = one.number ? WORDS.accepted(one.number) : WORDS.settings;
  return h(
    "tr", {},
    h("th", { scope: "row" }, one.scanner), h("td", {}, one.description || WORDS.unknown),
    h("td", {}, String(one.past)), h("td", {}, String(one.decided)),
    h("td", {}, short(one.thresholds.usable_index)), h("td", {}, `${short(one.thresholds.repeat_index)} / ${percent(one.thresholds.repeat_suitability)}`),
    h("td", {}, version, one.shadow ? h("span", { class: "flag" }, WORDS.inShadow(one.shadow_number)) : null),
    h("td", { class: "deeds" }, h("button", { class: "button", type: "button", "aria-label": WORDS.lookAt(named(one)), onclick: () => panel.open(one) }, WORDS.look)),
  );
}

function list() {
  put(byId("protocols"), protocols.length ? protocols.map(row) : none(WORDS.head.length, WORDS.noProtocols));
  byId("more").hidden = cursor === null;
}

async function load(from = null) {
  const page = await ask(`/protocols?days=${YEAR}${from ? `&cursor=${encodeURIComponent(from)}` : ""}`);
  protocols = from ? [...protocols, ...page.items] : page.items;
  cursor = page.next_cursor;
  const scanners = [...new Set(protocols.map((one) => one.scanner))];
  const chosen = byId("whose").value;
  put(
    byId("whose"), h("option", { value: "" }, WORDS.everything),
    scanners.map((name) => h("option", { value: `s:${name}` }, name)),
    protocols.map((one) => h("option", { value: `p:${one.id}` }, named(one))),
  );
  byId("whose").value = chosen;
  list();
}

fillWords(WORDS);
put(byId("days"), WORDS.windows.map(([value, word]) => h("option", { value, selected: value === "90" }, word)));
put(byId("protocols-head"), WORDS.head.map((word) => h("th", { scope: "col" }, word || h("span", { class: "unseen" }, WORDS.look))));
for (const id of ["days", "whose"]) byId(id).addEventListener("change", figures);
byId("more").addEventListener("click", () => load(cursor));
enter(async (session) => {
  panel.may = session.permissions.includes("thresholds");
  await Promise.all([figures(), load()]);
});
