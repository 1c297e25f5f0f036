// The review queue: which series wait, the one that is judged, and on to the next.

import * as api from "/static/api.js";
import { byId, h, put, say } from "/static/dom.js";
import { ago } from "/static/formats.js";
import { fillWords } from "/static/language.js";
import { enter } from "/static/nav.js";
import { Case } from "/static/review.case.js";
import { ask } from "/static/session.js";
import { shortcuts } from "/static/shortcuts.js";
import { follow } from "/static/stream.js";
import { chip } from "/static/verdicts.js";
import { WORDS as COMMON } from "/static/words.js";
import { WORDS } from "/static/words.review.js";

const VERDICTS = ["Usable", "Check", "Repeat", "Not scored"];
const SETTLE_MS = 400; // events come in bursts

let tier = null; // until it is known who looks
let view = null;
let items = [];
let waiting = { 1: 0, 2: 0 };
let cursor = null;
let settling = null;

const titled = (review) => `${review.scanner}, ${WORDS.series(review.series_number)}`;
const named = () => /^#\/(\d{1,18})$/.exec(location.hash)?.[1] ?? null;

function filters() {
  const found = { scanner: byId("by-scanner").value.trim(), verdict: byId("by-verdict").value, artifact: byId("by-artifact").value, older_than_h: byId("by-age").value };
  return Object.entries(found).filter(([, value]) => value !== "");
}

const address = (from) => `/reviews?${new URLSearchParams([["tier", String(tier)], ["limit", "50"], ...filters(), ...(from ? [["cursor", from]] : [])])}`;

async function load(from = null) {
  if (tier === null) return;
  const page = await ask(address(from));
  items = from ? [...items, ...page.items] : page.items;
  ({ waiting, next_cursor: cursor } = page);
  draw();
}

function reload() {
  clearTimeout(settling);
  settling = setTimeout(() => load().catch(() => {}), SETTLE_MS);
}

function row(review) {
  const open = review.id === named();
  return h(
    "li", {},
    h(
      "a", { class: "case-link", href: `#/${review.id}`, "aria-current": open ? "true" : null, "data-id": review.id },
      h(
        "span", { class: "top" },
        review.verdict ? small(review) : h("span", { class: "flag" }, WORDS.hidden),
        review.tier === 0 ? h("strong", {}, WORDS.choices[review.outcome] ?? "") : null,
      ),
      h("span", { class: "title" }, titled(review)),
      h("span", { class: "meta" }, review.description || WORDS.unknown),
      h(
        "span", { class: "meta" },
        review.why.length ? h("span", {}, review.why.map((why) => WORDS.why[why]).join(", ")) : null,
        review.tier === 0 ? null : h("span", {}, WORDS.waits(ago(Date.now() - Date.parse(review.entered_at)))),
      ),
    ),
  );
}

function small(review) {
  const made = chip({ verdict: review.verdict });
  made.classList.add("small");
  return made;
}

function draw() {
  const focused = document.activeElement?.dataset?.id;
  put(
    byId("tiers"),
    [1, 2, 0].map((one) =>
      h(
        "button", { class: "button", type: "button", "data-id": `tier-${one}`, "aria-pressed": String(one === tier), onclick: () => { tier = one; load(); } },
        WORDS.tiers[one], one === 0 ? null : h("span", { class: "count" }, String(waiting[one])),
      ),
    ),
  );
  const chosen = filters().length;
  byId("filtered").hidden = chosen === 0;
  say(byId("filtered"), chosen ? WORDS.filterOn(chosen) : "");
  const none = chosen ? WORDS.noneFits : tier === 0 ? WORDS.noneDecided : WORDS.nobodyWaits;
  put(byId("queue"), items.length ? items.map(row) : h("li", { class: "quiet" }, none));
  byId("more").hidden = cursor === null;
  if (focused) document.querySelector(`.queue [data-id="${CSS.escape(focused)}"]`)?.focus();
}

function step(by) {
  if (!items.length) return;
  const at = items.findIndex((review) => review.id === named());
  const next = items[Math.min(items.length - 1, Math.max(0, at + by))];
  location.hash = `#/${next.id}`;
}

// What was saved leaves the queue, and the next one of it opens by itself.
async function saved(review) {
  const at = Math.max(0, items.findIndex((one) => one.id === review.id));
  items = items.filter((one) => one.id !== review.id);
  const last = review.decisions.at(-1);
  put(
    byId("said"),
    h("span", {}, WORDS.saved(WORDS.choices[last.decision], titled(review)), last.blind && review.verdict ? ` ${WORDS.modelSaid(COMMON.verdicts[review.verdict])}` : ""),
    h("a", { class: "button", href: `#/${review.id}` }, WORDS.again),
  );
  const next = items[Math.min(at, items.length - 1)];
  history.pushState(null, "", next ? `#/${next.id}` : location.pathname);
  await Promise.all([open(), load().catch(() => {})]);
}

async function open() {
  draw();
  const id = named();
  try {
    const review = id === null ? null : await ask(`/reviews/${id}`);
    if (named() === id) await view.show(review);
  } catch (error) {
    if (named() === id) view.fail(error.status === 404 ? WORDS.choose : error.message);
  }
}

fillWords(WORDS);
byId("more").addEventListener("click", () => load(cursor).catch((error) => say(byId("said"), error.message)));
for (const id of ["by-verdict", "by-artifact", "by-age"]) byId(id).addEventListener("change", () => load());
byId("by-scanner").addEventListener("change", () => load());
byId("filter").addEventListener("submit", (event) => event.preventDefault());
put(byId("by-verdict"), h("option", { value: "" }, WORDS.all), VERDICTS.map((word) => h("option", { value: word }, COMMON.verdicts[word])));
put(byId("by-age"), WORDS.ages.map(([value, word]) => h("option", { value }, word)));
enter(async (session) => {
  tier = session.permissions.includes("decide") ? 2 : 1;
  const catalogue = await api.catalogue();
  const looks = new Map(catalogue.map((entry, order) => [entry.name, { ...entry, order }]));
  put(byId("by-artifact"), h("option", { value: "" }, WORDS.all), catalogue.map(({ name, title }) => h("option", { value: name }, title)));
  view = new Case(byId("case"), looks, { session: () => session, saved });
  put(
    byId("keys"),
    shortcuts(
      {
        u: () => view.press("usable"), e: () => view.press("limits"), d: () => view.press("doubtful"), n: () => view.press("unusable"),
        j: () => step(1), k: () => step(-1), m: () => view.markMiddle(),
      },
      { keys: WORDS.keys, letters: WORDS.letters, table: WORDS.keyTable },
    ),
  );
  addEventListener("hashchange", open);

  follow("", {
    hello: () => reload(),
    event: (kind) => { if (["review", "alert", "feedback"].includes(kind)) reload(); },
    heartbeat: () => {},
    lost: () => {},
    state: () => {},
  });

  await load();
  if (tier === 2 && !items.length && !filters().length) { tier = 1; await load(); }
  if (named() === null && items.length) history.replaceState(null, "", `#/${items[0].id}`);
  await open();
});
