// The console: holds what is known of the series, and redraws when the stream says that something changed.

import * as api from "/static/api.js";
import { List, drawLatest, drawWork, newest } from "/static/board.js";
import { Detail } from "/static/detail.js";
import { byId, h, say } from "/static/dom.js";
import { allow } from "/static/feedback.js";
import { drawNav } from "/static/nav.js";
import { toSignIn, whoAmI } from "/static/session.js";
import { follow } from "/static/stream.js";
import { ago, clock } from "/static/formats.js";
import { fillWords } from "/static/language.js";
import { WORDS } from "/static/words.js";

const KEPT = 400; // series that the page remembers; older ones are a page away
const OPEN_WATCHED = 8; // series on their way whose counts are kept fresh
const WIDE = window.matchMedia("(min-width: 1100px)");

const known = new Map(); // id -> series
const dirty = new Set(); // ids to ask for again
const sought = new Set(); // ids of the address that were asked for once
let cursor = null;
let asking = false;
let loaded = false; // the first list is here
let greeted = false; // and was drawn
let silentSince = null;
let checks = null;

const list = new List(byId("series"));
const detail = new Detail(byId("detail"), (id) => refresh(id));

const ordered = () => [...known.values()].sort((a, b) => (a.opened_at < b.opened_at ? 1 : a.opened_at > b.opened_at ? -1 : a.id < b.id ? 1 : -1));
const named = () => {
  const found = /^#\/series\/([A-Za-z0-9._-]+)$/.exec(location.hash);
  return found ? found[1] : null;
};

function draw() {
  const all = ordered();
  const latest = newest(all);
  const name = named();
  for (const old of all.splice(KEPT)) if (old.id !== name) known.delete(old.id);
  const shownId = name ?? (WIDE.matches ? latest?.id ?? null : null);
  if (loaded) drawLatest(byId("latest"), latest, greeted);
  greeted = loaded;
  list.draw(all, shownId);
  drawWork(byId("work"), all);
  byId("older").hidden = cursor === null;
  document.body.classList.toggle("drilled", name !== null);
  if (shownId !== null && !known.has(shownId) && !sought.has(shownId)) {
    sought.add(shownId);
    refresh(shownId);
  }
  detail.show(shownId === null ? null : known.get(shownId) ?? null);
  tick();
}

function tick() {
  const last = Math.max(...[...known.values()].map((series) => Date.parse(series.last_instance_at)));
  say(byId("age"), known.size ? WORDS.lastImage(ago(Date.now() - last)) : WORDS.noImage);
  say(byId("clock"), clock(new Date()));
}

function warn() {
  const banner = byId("banner");
  const failing = checks && !checks.ready ? Object.entries(checks.checks).filter(([, value]) => value !== true) : [];
  const [title, why] = silentSince !== null
    ? [WORDS.notLive, WORDS.notLiveWhy(clock(new Date(silentSince)))]
    : [WORDS.notReady, failing.map(([name, value]) => (value === false ? name : `${name}: ${value}`)).join(" · ")];
  const shown = silentSince !== null || failing.length > 0;
  const key = shown ? title + why : "";
  if (banner.dataset.key === key) return;
  banner.dataset.key = key;
  banner.className = silentSince !== null ? "banner dead" : "banner ill";
  banner.replaceChildren(...(shown ? [h("strong", {}, title), h("span", {}, why)] : []));
  banner.hidden = !shown;
  document.body.classList.toggle("stale", silentSince !== null);
}

function refresh(id) {
  dirty.add(id);
  if (!asking) ask();
}

// Asks for what changed, each series once however often it changed meanwhile.
async function ask() {
  asking = true;
  while (dirty.size) {
    const ids = [...dirty];
    dirty.clear();
    await Promise.all(ids.map(renew));
    draw();
  }
  asking = false;
}

async function renew(id) {
  try {
    known.set(id, await api.oneSeries(id));
  } catch (error) {
    if (error.status === 404) {
      known.delete(id);
      if (named() === id) location.hash = "";
    } else {
      setTimeout(() => refresh(id), 1000);
    }
  }
}

async function reload() {
  try {
    const page = await api.seriesPage(null);
    for (const series of page.items) known.set(series.id, series);
    if (known.size <= page.items.length) cursor = page.next_cursor;
    loaded = true;
    draw();
  } catch {
    setTimeout(reload, 1000);
  }
}

async function older() {
  try {
    const page = await api.seriesPage(cursor);
    for (const series of page.items) known.set(series.id, series);
    cursor = known.size >= KEPT ? null : page.next_cursor;
    draw();
  } catch {
    say(byId("older"), WORDS.failed);
  }
}

// A stream that ends may have ended because the session did.
async function look() {
  try {
    const session = await whoAmI();
    if (!session.permissions.includes("read")) toSignIn();
    drawNav(byId("who"), session);
    allow(session);
    detail.forget();
    draw();
  } catch {
    // the service does not answer: the banner says so
  }
}

follow({
  hello: () => reload(),
  event: (kind, body) => refresh(body.series),
  heartbeat: (body) => {
    checks = body;
    warn();
  },
  lost: look,
  state: (state, heard) => {
    silentSince = state === "silent" ? heard : state === "live" ? null : silentSince;
    byId("live").dataset.state = state;
    if (state !== "live") look();
    say(byId("live-word"), { live: WORDS.live, connecting: WORDS.connecting, silent: WORDS.notLive }[state]);
    warn();
  },
});

byId("older").addEventListener("click", older);
window.addEventListener("hashchange", () => {
  draw();
  if (named()) detail.focus();
  else byId("series").querySelector("[aria-current], a")?.focus();
});
// Single images are no events: the counts of what is on its way are asked for.
function watchOpen() {
  if (silentSince !== null || document.hidden) return;
  for (const series of ordered().filter((one) => !one.verdict).slice(0, OPEN_WATCHED)) refresh(series.id);
}

fillWords(WORDS);
look();
WIDE.addEventListener("change", draw);
setInterval(watchOpen, 2000);
setInterval(tick, 1000);
draw();
