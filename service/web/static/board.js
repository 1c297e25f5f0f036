// The board of one scanner: the verdict to be read from afar, whether it was seen, this exam, and the series before.

import { byId, h, lastPart, put, say } from "/static/dom.js";
import { fillWords } from "/static/language.js";
import { scanners } from "/static/api.js";
import { List, drawLatest, newest, saidNow, titleOf } from "/static/series.js";
import { change } from "/static/session.js";
import { shortcuts } from "/static/shortcuts.js";
import { Sound } from "/static/sound.js";
import { Store } from "/static/store.js";
import { chip, icon } from "/static/verdicts.js";
import { Vitals, lastOf } from "/static/vitals.js";
import { WORDS as COMMON } from "/static/words.js";
import { WORDS } from "/static/words.board.js";

const SCANNER = lastPart();
const KEPT = 60; // series
const OPEN_WATCHED = 4; // series on their way whose counts are kept fresh
const ALERT_MS = 2 * 3600_000; // an alert that is older waits no more to be seen
const AGAIN_MS = 15_000; // from one tone for a Repeat that nobody has seen to the next
const GRAVE = ["Repeat", "Check"];

const link = (id) => `/?board=${encodeURIComponent(SCANNER)}#/series/${id}`; // and the way back
const list = new List(byId("series"), link);
const soundButton = h("button", { id: "sound", class: "button sound", type: "button", onclick: turnSound }, icon("sound"), h("strong", { id: "sound-word" }), h("span", { id: "sound-act" }));
const quiet = new Set(); // alerts that were silenced on this screen alone, with the verdict that they were about
let may = false; // say to everybody that an alert was seen
let greeted = false;
let heard = new Set(); // alerts that sounded once

const store = new Store({ scanner: SCANNER, kept: KEPT, changed: draw, gone: (id) => { if (id === null) stranger([]); } });
const sound = new Sound(drawSound);

const alertKey = ({ id, verdict, reason }) => JSON.stringify([id, verdict, reason]);

// What nobody has seen yet, the newest first.
function alerts() {
  const since = Date.now() - ALERT_MS;
  return store.ordered().filter((series) =>
    GRAVE.includes(series.verdict) && !saidNow(series) && !series.repeated_by &&
    Date.parse(series.closed_at ?? series.last_instance_at) > since && !quiet.has(alertKey(series)));
}

async function seen(series) {
  if (!series) return;
  say(byId("said"), "");
  if (!may) {
    quiet.add(alertKey(series));
    draw();
    return;
  }
  try {
    await change("POST", `/series/${encodeURIComponent(series.id)}/acknowledgement`, undefined, {
      "If-Match": `"${series.feedback_version}"`,
      "Idempotency-Key": crypto.randomUUID(),
    });
  } catch (error) {
    say(byId("said"), error.status === 412 ? COMMON.saidMeanwhile : error.message);
  }
  store.refresh(series.id);
}

const button = (act, word, key, deed) => h("button", { type: "button", class: "button", "data-act": act, "aria-keyshortcuts": key, onclick: deed }, word);

function actions(shown, waiting) {
  if (!shown || !GRAVE.includes(shown.verdict)) return null;
  const open = waiting.some(({ id }) => id === shown.id);
  const by = shown.feedback.filter((one) => !one.earlier).at(-1);
  return h(
    "div", { class: "acts" },
    open
      ? button("seen", may ? WORDS.seen : WORDS.silence, "a", () => seen(shown))
      : h("p", { class: "was-seen" }, by ? WORDS.seenBy(by.author) : WORDS.silenced),
  );
}

// Alerts beside the one that is shown: an older Repeat is not forgotten because something newer came.
function drawWaiting(others) {
  const key = JSON.stringify(others.map(alertKey));
  const element = byId("waiting");
  if (element.dataset.key === key) return;
  element.dataset.key = key;
  element.hidden = !others.length;
  put(element, ...others.map((series) => h(
    "li", {}, chip(series), h("a", { href: link(series.id) }, titleOf(series)), h("span", {}, series.reason),
    button(series.id, may ? WORDS.seen : WORDS.silence, null, () => seen(series)),
  )));
}

// The series of the exam at hand, in the order of their arrival.
function drawExam(all) {
  const study = all[0]?.study;
  const made = all.filter((series) => series.study === study).reverse();
  const key = JSON.stringify(made.map(({ id, verdict, state, series_number: number, repeats }) => [id, verdict, state, number, repeats]));
  const element = byId("exam");
  if (element.dataset.key === key) return;
  const focused = element.querySelector(":focus")?.getAttribute("href");
  element.dataset.key = key;
  byId("exam-part").hidden = !made.length;
  if (study) byId("exam-link").setAttribute("href", `/study/${encodeURIComponent(study)}`);
  put(element, ...made.map((series) => h(
    "li", { class: series.repeats ? "repeats" : null },
    h(
      "a", { class: "step", href: link(series.id) },
      h("span", { class: "step-name" }, COMMON.series(series.series_number)), chip(series),
      series.repeats ? h("span", { class: "step-why" }, WORDS.repeatOf(numberOf(series.repeats))) : null,
    ),
  )));
  if (focused) element.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
}

const numberOf = (id) => store.known.get(id)?.series_number ?? null;

function ring(waiting) {
  const fresh = waiting.filter((series) => !heard.has(alertKey(series)));
  heard = new Set(waiting.map(alertKey));
  if (fresh.length && sound.state === "on") sound.play(GRAVE.find((verdict) => fresh.some((series) => series.verdict === verdict)));
}

function draw() {
  const all = store.ordered();
  const waiting = alerts();
  const shown = newest(all);
  if (store.loaded) {
    const state = JSON.stringify([may, waiting.some(({ id }) => id === shown?.id), shown?.feedback]);
    drawLatest(byId("latest"), shown, { tell: greeted, link, actions: () => actions(shown, waiting), state });
    ring(waiting);
  }
  greeted = store.loaded;
  drawWaiting(waiting.filter(({ id }) => id !== shown?.id));
  drawExam(all);
  list.draw(all, null);
  vitals?.tick();
}

function drawSound() {
  const { state } = sound;
  const element = byId("sound");
  element.dataset.state = state;
  element.setAttribute("aria-pressed", String(state === "on"));
  say(byId("sound-word"), { on: WORDS.soundOn, off: WORDS.soundOff, blocked: WORDS.soundBlocked }[state]);
  say(byId("sound-act"), { on: WORDS.disableSound, off: WORDS.enableSound, blocked: WORDS.enableSound }[state]);
}

async function turnSound() {
  const on = sound.state !== "on";
  await sound.turn(on);
  if (on) sound.play("Check");
}

// Only a scanner that exists has a board: a slip in the address must not look like a quiet day.
async function named() {
  try {
    return await scanners();
  } catch {
    return null; // the banner will say what is wrong
  }
}

function stranger(all) {
  const links = all.map(({ name }) => h("li", {}, h("a", { class: "button", href: `/board/${encodeURIComponent(name)}` }, name)));
  byId("main").replaceChildren(
    h("section", { class: "latest none" }, h("p", { class: "verdict" }, WORDS.noScanner), h("p", { class: "reason" }, WORDS.noScannerWhy), h("ul", { class: "boards" }, links)),
  );
}

function follow() {
  vitals = new Vitals({
    scanner: SCANNER,
    entered: (session) => {
      may = session.permissions.includes("acknowledge");
      draw();
    },
    hello: () => store.reload(),
    event: (_kind, body) => { if (body.series) store.refresh(body.series); },
    lastImage: () => lastOf([...store.known.values()]),
  });
  setInterval(() => { if (!vitals.silent) store.watchOpen(OPEN_WATCHED); }, 2000);
  setInterval(() => { if (alerts().some(({ verdict }) => verdict === "Repeat")) sound.play("Repeat"); }, AGAIN_MS);
}

let vitals = null;
fillWords(COMMON);
fillWords(WORDS);
document.title = `${SCANNER} · Scanside`;
byId("brand").replaceWith(h("h1", { id: "brand", class: "brand" }, byId("brand").querySelector("img"), h("span", { id: "scanner" }, SCANNER)));
byId("who").before(soundButton);
drawSound();
byId("keys").replaceWith(shortcuts(
  {
    a: () => seen(alerts()[0]),
    s: turnSound,
    d: () => { const shown = byId("latest").dataset.series; if (shown) location.assign(link(shown)); },
    e: () => { if (!byId("exam-part").hidden) location.assign(byId("exam-link").href); },
  },
  { keys: COMMON.keys, letters: WORDS.letters, table: WORDS.keyTable },
));
const all = await named();
if (all && !all.some(({ name }) => name === SCANNER)) {
  stranger(all);
  new Vitals({ hello: () => {}, event: () => {} });
} else {
  follow();
}
