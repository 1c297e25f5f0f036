// Deliveries: where they stand, which ones, and what people do about them; disputes on top while there are any.

import { button, fill, key, mark, none, twice } from "/static/controls.js";
import { byId, h, put, say } from "/static/dom.js";
import { ago, moment } from "/static/formats.js";
import { fillWords, locale } from "/static/language.js";
import { enter } from "/static/nav.js";
import { ask, change } from "/static/session.js";
import { WORDS } from "/static/words.deliveries.js";

const PAGE = 100;
const SIGN = { gathering: "waits", waiting: "waits", sent: "good", uncommitted: "waits", committed: "good", held: "stopped", dead: "bad", superseded: "gone", discarded: "gone" };
const ORDER = ["dead", "held", "waiting", "gathering", "uncommitted", "sent", "committed", "superseded", "discarded"];

let may = false;
let items = [];
let cursor = null;
let asOf = 0; // s since 1970: what is posted later is not in the selection of all that match
const chosen = new Set();
let allChosen = false;
const open = new Map(); // id -> what people did to it

const stateMark = (state) => mark(SIGN[state], WORDS.states[state]);
const when = (text) => (text === null ? "–" : h("time", { datetime: text }, moment(text)));
const options = (names, words, selected) => [h("option", { value: "" }, WORDS.any), ...names.map((name) => h("option", { value: name, selected: name === selected }, words(name)))];

function filter() {
  const of = {};
  for (const name of ["destination", "state", "kind"]) if (byId(name).value) of[name] = byId(name).value;
  const hours = Number(byId("age").value);
  return { of, before: hours ? new Date(1000 * (asOf - 3600 * hours)).toISOString() : null };
}

function query() {
  const { of, before } = filter();
  const given = new URLSearchParams({ limit: PAGE, ...of });
  if (before !== null) given.set("posted_before", before);
  if (cursor !== null) given.set("cursor", cursor);
  return `/deliveries?${given}`;
}

async function load() {
  const further = cursor !== null;
  const page = await ask(query());
  items = further ? [...items, ...page.items] : page.items;
  cursor = page.next_cursor;
}

async function renew() {
  cursor = null;
  asOf = Date.now() / 1000;
  chosen.clear();
  allChosen = false;
  await load();
  await around();
  draw();
}

// What stands around the list: counts, disputes, deeds.
async function around() {
  const [counts, disputes, deeds] = await Promise.all([ask("/deliveries/counts"), ask("/disputes"), ask("/deeds")]);
  drawCounts(counts);
  drawDisputes(disputes.items);
  const row = (one) => h(
    "tr", {}, h("td", {}, when(one.at)), h("th", { scope: "row" }, one.by), h("td", {}, WORDS.didWhat[one.what]),
    h("td", {}, String(one.changed)), h("td", { class: "wrap" }, one.reason),
  );
  put(byId("done"), deeds.items.length ? deeds.items.map(row) : none(5, WORDS.noDeeds));
}

function choose(destination, state) {
  byId("destination").value = destination;
  byId("state").value = state;
  renew();
}

function drawCounts({ items: counts, destinations }) {
  const names = [...new Set([...destinations, ...counts.map((one) => one.destination)])].sort();
  const card = (name) => h(
    "div", { class: "count-card" },
    h("h3", {}, name, destinations.includes(name) ? null : h("span", { class: "flag" }, WORDS.unknown)),
    counts.filter((one) => one.destination === name).sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state)).map((one) =>
      h(
        "button",
        { class: "link", type: "button", "aria-pressed": String(byId("destination").value === name && byId("state").value === one.state), onclick: () => choose(name, one.state) },
        stateMark(one.state), h("strong", {}, one.count.toLocaleString(locale)),
      )),
    counts.some((one) => one.destination === name) ? null : h("p", { class: "quiet" }, WORDS.nothingYet),
  );
  put(byId("counts"), names.length ? names.map(card) : h("p", { class: "quiet" }, WORDS.nowhere));
  const [destination, target] = [byId("destination").value, byId("target").value];
  put(byId("destination"), options(names, (name) => name, destination));
  put(byId("target"), destinations.map((name) => h("option", { value: name, selected: name === target }, name)));
}

function drawDisputes(disputes) {
  byId("disputes-panel").hidden = !disputes.length && !byId("disputes-said").textContent;
  const said = byId("disputes-said");
  const decide = async (one, keep) => {
    try {
      await change("PUT", `/disputes/${encodeURIComponent(one.series)}/decision`, { keep });
      say(said, WORDS.decided);
    } catch (error) {
      say(said, error.message);
    }
    await renew();
  };
  const row = (one) => {
    const name = `${WORDS.series} ${one.series_number ?? ""}`;
    const why = [one.images ? WORDS.images(one.images) : "", one.identities > 1 ? WORDS.identities(one.identities) : ""].filter(Boolean).join(", ");
    return h(
      "tr", { "data-key": one.series },
      h("th", { scope: "row" }, h("a", { href: `/#/series/${encodeURIComponent(one.series)}` }, name)),
      h("td", {}, one.scanner), h("td", {}, when(one.opened_at)), h("td", { class: "wrap" }, why),
      h("td", { class: "deeds" }, may ? [twice(said, WORDS.keepFirst, name, () => decide(one, "first")), twice(said, WORDS.keepLast, name, () => decide(one, "last"))] : null),
    );
  };
  fill(byId("disputes"), disputes.map(row));
}

async function unfold(one) {
  if (open.has(one.id)) open.delete(one.id);
  else open.set(one.id, (await ask(`/deliveries/${one.id}/deeds`)).items);
  draw();
}

function tick(checked, label, onchange) {
  return h("label", { class: "tick" }, h("input", { type: "checkbox", checked, onchange }), h("span", { class: "unseen" }, label));
}

function rowOf(one) {
  const told = [one.reason, one.answer].filter(Boolean).join("; ");
  const toggle = (event) => {
    if (event.target.checked) chosen.add(one.id);
    else chosen.delete(one.id);
    allChosen = false;
    draw();
  };
  const row = h(
    "tr", { "data-key": one.id, "data-chosen": chosen.has(one.id) || allChosen ? "yes" : null },
    may ? h("td", { class: "check" }, tick(chosen.has(one.id) || allChosen, WORDS.select(one.id), toggle)) : null,
    h("td", {}, when(one.created_at)), h("td", {}, one.destination), h("th", { scope: "row" }, WORDS.kinds[one.kind] ?? one.kind),
    h("td", {}, stateMark(one.state), one.former_identity ? h("span", { class: "flag" }, WORDS.former) : null),
    h("td", {}, String(one.attempts)), h("td", {}, when(one.next_at)),
    h("td", { class: "wrap" }, told || "–", one.tried_at ? h("span", { class: "small" }, ` · ${ago(Date.now() - Date.parse(one.tried_at))}`) : null),
    h("td", {}, h("a", { class: "link", href: `/#/series/${encodeURIComponent(one.series)}`, "aria-label": `${WORDS.series} ${one.series}` }, WORDS.look)),
    h("td", { class: "deeds" },
      button(WORDS.past, one.id, () => unfold(one), { "aria-expanded": String(open.has(one.id)) })),
  );
  if (!open.has(one.id)) return [row];
  const deeds = open.get(one.id);
  const line = (deed) => h("li", {}, when(deed.at), ` ${deed.by}: ${WORDS.didWhat[deed.what]}. ${deed.reason}`);
  return [row, h("tr", { class: "past" }, h("td", { colspan: WORDS.head.length + (may ? 2 : 1) }, deeds.length ? h("ol", {}, deeds.map(line)) : WORDS.noPast))];
}

function draw() {
  const every = (event) => {
    allChosen = false;
    for (const one of items) if (event.target.checked) chosen.add(one.id); else chosen.delete(one.id);
    draw();
  };
  const whole = items.length > 0 && (allChosen || items.every((one) => chosen.has(one.id)));
  const wasThere = byId("head").contains(document.activeElement);
  put(byId("head"), may ? h("th", { scope: "col", class: "check" }, tick(whole, WORDS.selectShown, every)) : null, WORDS.head.map((word) => h("th", { scope: "col" }, word)), h("th", { scope: "col" }, h("span", { class: "unseen" }, WORDS.past)));
  if (wasThere) byId("head").querySelector("input").focus();
  const filtered = Object.keys(filter().of).length > 0 || filter().before !== null;
  fill(byId("rows"), items.length ? items.flatMap(rowOf) : none(WORDS.head.length + 2, filtered ? WORDS.noneOfFilter : WORDS.none));
  byId("more").hidden = cursor === null;
  byId("bench").hidden = !may || (!chosen.size && !allChosen);
  say(byId("count"), allChosen ? WORDS.allSelected : WORDS.selected(chosen.size));
  byId("all").hidden = allChosen || cursor === null || !whole || !filtered;
  byId("all").textContent = WORDS.selectAll;
}

async function act(what) {
  const reason = byId("reason").value.trim();
  if (!reason) {
    say(byId("said"), WORDS.wantsReason);
    byId("reason").focus();
    return;
  }
  const { of, before } = filter();
  const body = allChosen
    ? { what, reason, of: { ...of, posted_before: before ?? new Date(1000 * asOf).toISOString() } }
    : { what, reason, ids: [...chosen], of: what === "move" && of.destination ? { destination: of.destination } : {} };
  if (what === "move") body.to = byId("target").value;
  try {
    const { changed, left } = await change("POST", "/deeds", body, { "Idempotency-Key": key() });
    say(byId("said"), changed || left ? WORDS.came(changed, left) : WORDS.nothing);
    byId("reason").value = "";
    await renew();
    byId("list-title").focus();
  } catch (error) {
    say(byId("said"), error.message);
  }
}

fillWords(WORDS);
put(byId("state"), options(ORDER, (state) => WORDS.states[state]));
put(byId("kind"), options(Object.keys(WORDS.kinds), (kind) => WORDS.kinds[kind]));
put(byId("age"), Object.keys(WORDS.ages).sort((a, b) => a - b).map((hours) => h("option", { value: hours }, WORDS.ages[hours])));
put(byId("deeds"), ["resend", "hold", "release", "discard", "move"].map((what) =>
  what === "resend"
    ? h("button", { class: "button strong", type: "submit", "data-deed": what }, WORDS.deeds[what])
    : what === "discard"
      ? twice(byId("said"), WORDS.deeds[what], WORDS.selection, () => act(what))
      : h("button", { class: "button", type: "button", "data-deed": what, onclick: () => act(what) }, WORDS.deeds[what])));
byId("bench").addEventListener("submit", (event) => { event.preventDefault(); act("resend"); });
byId("filters").addEventListener("submit", (event) => { event.preventDefault(); renew(); });
for (const name of ["destination", "state", "kind", "age"]) byId(name).addEventListener("change", renew);
byId("more").addEventListener("click", async () => { await load(); draw(); });
byId("all").addEventListener("click", () => { allChosen = true; draw(); byId("reason").focus(); });
enter(async (session) => {
  may = session.permissions.includes("deliver");
  await renew();
});
