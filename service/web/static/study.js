// The time line of an exam: its series in the order of their arrival, and each repeat tied to what it repeats.

import * as api from "/static/api.js";
import { byId, h, lastPart, put, s } from "/static/dom.js";
import { clock, moment, tenths } from "/static/formats.js";
import { Identity } from "/static/identity.js";
import { fillWords } from "/static/language.js";
import { flags } from "/static/series.js";
import { chip } from "/static/verdicts.js";
import { Vitals, lastOf } from "/static/vitals.js";
import { WORDS as COMMON } from "/static/words.js";
import { WORDS } from "/static/words.study.js";

const STUDY = lastPart();
const PAUSE_MS = 500; // between two questions, however much happens
const LANE = 14; // px between two ties that run side by side

const identity = new Identity();
let study = null;
let vitals = null;
let asked = false;
let again = false;

async function read() {
  if (asked) {
    again = true;
    return;
  }
  asked = true;
  try {
    study = await api.study(STUDY);
    draw();
  } catch (error) {
    if (error.status === 404) put(byId("time"), h("li", { class: "empty" }, WORDS.noExam));
    else again = true;
  }
  setTimeout(() => {
    asked = false;
    if (again) read();
    again = false;
  }, PAUSE_MS);
}

const name = ({ series }) => COMMON.series(series.series_number);
const anchor = (id) => `series-${id}`;

function ties(item) {
  const by = study.items.filter((one) => one.repeats === item.series.id);
  const of = study.items.find((one) => one.series.id === item.repeats);
  const jump = (one, word) => h("a", { class: "tie", href: `#${anchor(one.series.id)}` }, h("span", { class: "tie-word" }, word), chip(one.series), h("span", {}, tenths(one.series.index)));
  return [of ? jump(of, WORDS.insteadOf(name(of))) : null, ...by.map((one) => jump(one, WORDS.repeatedBy(name(one))))].filter(Boolean);
}

function line(item) {
  const { series } = item;
  return h(
    "li", { id: anchor(series.id), class: "made", "data-id": series.id },
    h("time", { class: "began", datetime: item.began_at }, moment(item.began_at)),
    h(
      "div", { class: "what" },
      h(
        "a", { class: "row", href: `/#/series/${series.id}` },
        chip(series), h("span", { class: "number" }, tenths(series.index)),
        h("span", { class: "title" }, [name(item), series.description].filter(Boolean).join(" · ")),
        h("span", { class: "meta" }, h("span", {}, images(series)), flags(series)),
      ),
      series.reason ? h("p", { class: "reason" }, series.reason) : null,
      h("div", { class: "ties" }, ties(item)),
    ),
  );
}

const images = ({ received, expected, told, never_came: missing }) =>
  [COMMON.images(received, expected), told === null ? "" : WORDS.toldOf(COMMON.toldOf(told, missing))].filter(Boolean).join(" · ");

// A step of the exam as the scanner tells of it.
const step = ({ state, opened_at: opened, ended_at: ended, series, told, never_came: missing }) =>
  h(
    "li", { "data-state": state },
    h("strong", {}, WORDS.states[state] ?? state), ` ${WORDS.from(clock(new Date(opened)))}`, ended ? ` ${WORDS.until(clock(new Date(ended)))}` : "",
    series ? `, ${WORDS.made(series, told)}` : "", missing ? h("span", { class: "flag bad" }, WORDS.missing(missing)) : null,
  );

function draw() {
  const focused = document.activeElement?.closest?.(".made")?.dataset.id;
  const { items, steps } = study;
  const scanners = [...new Set(items.map(({ series }) => series.scanner))];
  put(byId("where"), ...scanners.map((one) => h("a", { href: `/board/${encodeURIComponent(one)}` }, one)), h("span", {}, WORDS.count(items.length)));
  put(byId("steps"), ...(steps.length ? steps.map(step) : [h("li", { class: "quiet" }, WORDS.noSteps)]));
  put(byId("time"), ...items.map(line));
  identity.show(items.at(-1).series.id);
  vitals?.tick();
  if (focused) row(focused)?.focus();
  tie();
}

const row = (id) => byId(anchor(id))?.querySelector(".row");

// Draws a tie from each series to the ones that repeat it, along the left of the list.
function tie() {
  const pairs = study.items.filter((one) => one.repeats).map((one) => [byId(anchor(one.repeats)), byId(anchor(one.series.id))]);
  const box = byId("time").getBoundingClientRect();
  const middle = (item) => item.querySelector(".row").getBoundingClientRect();
  const lines = pairs.map(([from, to], i) => {
    const [a, b] = [middle(from), middle(to)];
    const [y1, y2, x] = [a.top + a.height / 2 - box.top, b.top + b.height / 2 - box.top, a.left - box.left];
    const left = Math.max(2, x - 12 - LANE * (i % 2));
    return s("path", { d: `M${x} ${y1}H${left + 8}Q${left} ${y1} ${left} ${y1 + 8}V${y2 - 8}Q${left} ${y2} ${left + 8} ${y2}H${x - 2}M${x - 9} ${y2 - 6}L${x - 2} ${y2}L${x - 9} ${y2 + 6}` });
  });
  put(byId("ties"), lines.length ? s("svg", { width: box.width, height: box.height }, ...lines) : null);
}

// Up and down from series to series.
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const rows = [...byId("time").querySelectorAll(".row")];
  const end = { Home: rows[0], End: rows.at(-1) }[event.key];
  if ((!step && !end) || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const here = rows.indexOf(document.activeElement);
  const next = end ?? rows[Math.min(rows.length - 1, Math.max(0, here + step))];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

fillWords(COMMON);
fillWords(WORDS);
byId("identity").append(identity.element);
byId("time").addEventListener("keydown", walk);
byId("time").addEventListener("click", (event) => {
  const to = event.target.closest?.("a.tie")?.hash;
  if (!to) return;
  event.preventDefault();
  byId(to.slice(1))?.querySelector(".row").focus();
});
new ResizeObserver(() => study && tie()).observe(byId("main"));
vitals = new Vitals({
  entered: (session) => {
    identity.allow(session);
    if (study) identity.show(study.items.at(-1).series.id);
  },
  hello: read,
  event: read,
  lastImage: () => (study ? lastOf(study.items.map(({ series }) => series)) : null),
});
