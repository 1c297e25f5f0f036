// The console: the newest verdict, the list of series, and the one that is looked at.

import { Detail } from "/static/detail.js";
import { byId, h, say } from "/static/dom.js";
import { fillWords } from "/static/language.js";
import { List, drawLatest, drawWork, newest } from "/static/series.js";
import { Store } from "/static/store.js";
import { Vitals, lastOf } from "/static/vitals.js";
import { WORDS } from "/static/words.js";

const KEPT = 400; // series that the page remembers; older ones are a page away
const OPEN_WATCHED = 8; // series on their way whose counts are kept fresh
const WIDE = window.matchMedia("(min-width: 1100px)");

byId("who").before(h("p", { id: "work", class: "work" }));
const list = new List(byId("series"));
const detail = new Detail(byId("detail"), (id) => store.refresh(id));
const store = new Store({
  kept: KEPT,
  changed: draw,
  gone: (id) => { if (named() === id) location.hash = ""; },
});
let greeted = false; // the first list was drawn

function named() {
  const found = /^#\/series\/([A-Za-z0-9._-]+)$/.exec(location.hash);
  return found ? found[1] : null;
}

function draw() {
  const name = named();
  const all = store.ordered(name);
  const latest = newest(all);
  const shownId = name ?? (WIDE.matches ? latest?.id ?? null : null);
  if (store.loaded) drawLatest(byId("latest"), latest, { tell: greeted });
  greeted = store.loaded;
  list.draw(all, shownId);
  drawWork(byId("work"), all);
  byId("older").hidden = store.cursor === null;
  document.body.classList.toggle("drilled", name !== null);
  if (shownId !== null) store.seek(shownId);
  detail.show(shownId === null ? null : store.known.get(shownId) ?? null);
  vitals?.tick();
}

let vitals = null;
fillWords(WORDS);
vitals = new Vitals({
  entered: (session) => {
    detail.enter(session);
    draw();
  },
  hello: () => store.reload(),
  event: (_kind, body) => { if (body.series) store.refresh(body.series); },
  lastImage: () => lastOf([...store.known.values()]),
});
byId("older").addEventListener("click", () => store.older().catch(() => say(byId("older"), WORDS.failed)));
window.addEventListener("hashchange", () => {
  draw();
  if (named()) detail.focus();
  else byId("series").querySelector("[aria-current], a")?.focus();
});
WIDE.addEventListener("change", draw);
setInterval(() => { if (!vitals.silent && !document.hidden) store.watchOpen(OPEN_WATCHED); }, 2000);
draw();
