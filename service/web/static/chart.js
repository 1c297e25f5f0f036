// Charts over time as SVG: drawn at the width that there is, walked through by the arrow keys, with their table beside them.

import { h, put, s } from "/static/dom.js";
import { locale } from "/static/language.js";

const [TALL, LEFT, RIGHT, TOP, FOOT] = [232, 52, 14, 14, 26];
const DAY_MS = 86400000;
const FEW_MONTHS_MS = 90 * DAY_MS;
const TICKS = 5;

const time = (at) => Date.parse(`${at}T00:00:00Z`);
const month = (ms, withYear) => new Date(ms).toLocaleDateString(locale, { month: "short", ...(withYear ? { year: "numeric" } : {}), timeZone: "UTC" });
const date = (ms) => new Date(ms).toLocaleDateString(locale, { day: "numeric", month: "short", timeZone: "UTC" });
const markWord = (at, byMonth, first) => (byMonth ? month(at, first || new Date(at).getUTCMonth() === 0) : date(at));
export const dayWord = (at) => new Date(time(at)).toLocaleDateString(locale, { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

// Round steps (1, 2 or 5 times a power of ten) that hold the values.
export function ticksOf(low, high, most = TICKS) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, place) => (first + place) * step);
}

// The first of each month, or the Mondays of a span that knows too few of those.
function marks(from, to, room) {
  if (to - from > FEW_MONTHS_MS) return months(from, to, room);
  const found = [];
  for (let at = Math.ceil(from / DAY_MS) * DAY_MS; at <= to; at += DAY_MS) if (new Date(at).getUTCDay() === 1) found.push(at);
  return thinned(found, room);
}

const thinned = (found, room) => {
  const every = Math.max(1, Math.ceil(found.length / Math.max(1, Math.floor(room / 64))));
  return found.filter((_, place) => place % every === 0);
};

function months(from, to, room) {
  const start = new Date(from);
  const found = [];
  for (let at = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1); at <= to;) {
    found.push(at);
    const date = new Date(at);
    at = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
  }
  return thinned(found, room);
}

// {x, y, width, height, from, to, ticks} for dates and values.
function scaleOf(dates, ticks, wide) {
  const from = Math.min(...dates) - DAY_MS / 2;
  const to = Math.max(...dates) + DAY_MS / 2;
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const x = (ms) => LEFT + ((ms - from) / (to - from || 1)) * (wide - LEFT - RIGHT);
  const y = (value) => TALL - FOOT - ((value - low) / (high - low || 1)) * (TALL - FOOT - TOP);
  return { x, y, from, to, ticks, wide };
}

function axes({ x, y, from, to, ticks, wide }, write) {
  const shown = marks(from, to, wide - LEFT - RIGHT);
  return s(
    "g", { class: "axes" },
    ...ticks.map((tick) => s("line", { x1: LEFT, x2: wide - RIGHT, y1: y(tick), y2: y(tick) })),
    ...ticks.map((tick) => s("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, write(tick))),
    ...shown.map((at) => s("line", { x1: x(at), x2: x(at), y1: TALL - FOOT, y2: TALL - FOOT + 5 })),
    ...shown.map((at, place) => s("text", { x: x(at), y: TALL - 6, "text-anchor": "middle" }, markWord(at, to - from > FEW_MONTHS_MS, place === 0))),
  );
}

// A figure with a drawing that the arrow keys walk through, and a table of the same points.
// draw(wide) gives {scale, drawn: SVG elements, mark(place): elements over the point}; say(place) tells a point.
function figure({ title, points, draw, say, head, row, words }) {
  const frame = h("div", {
    class: "chart", role: "slider", tabindex: 0, "aria-label": title, "aria-orientation": "horizontal", "aria-valuemin": 1, "aria-valuemax": points.length,
  });
  const told = h("p", { class: "told" });
  const canvas = s("svg", { "aria-hidden": "true", height: TALL });
  const cursor = s("g", { class: "cursor" });
  let made = null;
  let at = points.length - 1;

  function move(place) {
    at = Math.max(0, Math.min(points.length - 1, place));
    frame.setAttribute("aria-valuenow", at + 1);
    frame.setAttribute("aria-valuetext", say(at));
    told.textContent = say(at);
    if (made) put(cursor, ...made.mark(at));
  }
  function redraw() {
    const wide = Math.floor(frame.clientWidth);
    if (wide < 80 || wide === made?.scale.wide) return;
    made = draw(wide);
    canvas.setAttribute("width", wide);
    canvas.setAttribute("viewBox", `0 0 ${wide} ${TALL}`);
    put(canvas, ...made.drawn, cursor);
    move(at);
  }
  frame.addEventListener("keydown", (event) => {
    const far = Math.max(1, Math.round(points.length / 12));
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -far, PageUp: far, Home: -points.length, End: points.length };
    if (!(event.key in steps)) return;
    event.preventDefault();
    move(at + steps[event.key]);
  });
  const follow = (event) => {
    if (!made) return;
    const wanted = event.clientX - canvas.getBoundingClientRect().left;
    const near = points.reduce((best, point, place) => (Math.abs(made.scale.x(time(point.at)) - wanted) < Math.abs(made.scale.x(time(points[best].at)) - wanted) ? place : best), 0);
    move(near);
  };
  frame.addEventListener("pointermove", follow);
  frame.addEventListener("pointerdown", follow);
  frame.append(canvas);
  new ResizeObserver(redraw).observe(frame);

  const table = h("details", { class: "as-table" }, h("summary", {}, words.asTable));
  table.addEventListener("toggle", () => {
    if (!table.open || table.querySelector("table")) return;
    table.append(
      h(
        "div", { class: "scroll", tabindex: 0, role: "group", "aria-label": title },
        h("table", {}, h("thead", {}, h("tr", {}, head.map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, points.map((point) => h("tr", {}, row(point).map((cell, place) => h(place ? "td" : "th", place ? {} : { scope: "row" }, cell)))))),
      ),
    );
  });
  move(at);
  return h("figure", { class: "charted" }, h("figcaption", {}, title), frame, told, table);
}

const path = (points) => points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
const SHAPES = {
  high: (x, y) => `M${x} ${y - 7}l6.5 11h-13z`,
  low: (x, y) => `M${x} ${y + 7}l6.5 -11h-13z`,
};

// A control chart. points: [{at, value, lower, upper, thin, baseline, signals: [{high}]}] (limits null where there are
// none), centre: number or null, changes: [{at}] for upright lines, write(value): words of a value.
export function controlChart({ title, points, centre, changes = [], write, say, head, row, words, steps = false }) {
  const shown = points.filter(({ value }) => value !== null);
  const bounds = shown.flatMap(({ value, lower, upper }) => [value, lower, upper]).filter((value) => value !== null && value !== undefined);
  const ticks = ticksOf(Math.min(...bounds), Math.max(...bounds));
  const draw = (wide) => {
    const scale = scaleOf(shown.map(({ at }) => time(at)), ticks, wide);
    const spot = ({ at }, value) => [scale.x(time(at)), scale.y(value)];
    const limited = shown.filter(({ lower }) => lower !== null && lower !== undefined);
    const heard = shown.filter(({ thin }) => !thin);
    const base = shown.filter(({ baseline }) => baseline);
    const edge = (name) => s("path", { class: "limit", d: path(limited.map((point) => spot(point, point[name]))) });
    return {
      scale,
      mark: (place) => [
        s("line", { x1: spot(shown[place], 0)[0], x2: spot(shown[place], 0)[0], y1: TOP, y2: TALL - FOOT }),
        s("circle", { cx: spot(shown[place], 0)[0], cy: scale.y(shown[place].value), r: 6 }),
      ],
      drawn: [
        base.length ? s("rect", { class: "baseline-span", x: scale.x(time(base[0].at)), y: TOP, width: Math.max(2, scale.x(time(base[base.length - 1].at)) - scale.x(time(base[0].at))), height: TALL - FOOT - TOP }) : null,
        axes(scale, write),
        ...changes.map(({ at }) => s("path", { class: "change", d: `M${scale.x(time(at))} ${TOP}V${TALL - FOOT}` })),
        ...(limited.length ? [edge("lower"), edge("upper")] : []),
        centre === null ? null : s("line", { class: "centre", x1: LEFT, x2: wide - RIGHT, y1: scale.y(centre), y2: scale.y(centre) }),
        s("path", { class: "course", d: path(heard.map((point) => spot(point, point.value))) }),
        ...(steps ? [] : shown.map((point) => s("circle", { class: point.thin ? "point thin" : "point", cx: spot(point, 0)[0].toFixed(1), cy: scale.y(point.value).toFixed(1), r: point.thin ? 2.4 : 1.8 }))),
        ...heard.filter(({ signals }) => signals.length).map((point) => {
          const [x, y] = spot(point, point.value);
          return s("path", { class: "signal", d: SHAPES[point.signals[0].high ? "high" : "low"](x, y) });
        }),
      ].filter(Boolean),
    };
  };
  return figure({ title, points: shown, draw, say: (place) => say(shown[place]), head, row, words });
}

// Shares of several kinds, stacked to the whole. kinds: [{name, word}]; points: [{at, parts: {name: count}}].
export function shareChart({ title, points, kinds, span, say, head, row, words }) {
  hatch();
  const draw = (wide) => {
    const scale = scaleOf(points.map(({ at }) => time(at)), [0, 0.25, 0.5, 0.75, 1], wide);
    const broad = Math.max(1, scale.x(DAY_MS * span) - scale.x(0) - (wide > 900 || span > 1 ? 0.6 : 0));
    const bars = points.flatMap(({ at, parts }) => {
      const all = kinds.reduce((sum, { name }) => sum + parts[name], 0);
      let done = 0;
      return kinds.map(({ name }) => {
        const share = all ? parts[name] / all : 0;
        done += share;
        const height = scale.y(0) - scale.y(share);
        return share ? s("rect", { class: `share share-${kinds.findIndex((kind) => kind.name === name)}`, x: (scale.x(time(at)) - (span === 1 ? broad / 2 : 0)).toFixed(1), y: scale.y(done).toFixed(1), width: broad.toFixed(1), height: height.toFixed(1) }) : null;
      });
    });
    return {
      scale,
      mark: (place) => [s("line", { x1: scale.x(time(points[place].at)), x2: scale.x(time(points[place].at)), y1: TOP, y2: TALL - FOOT })],
      drawn: [...bars.filter(Boolean), axes(scale, (value) => `${Math.round(value * 100)} %`)],
    };
  };
  const key = h("ul", { class: "key" }, kinds.map(({ word }, place) => h("li", {}, s("svg", { viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true" }, s("rect", { class: `share share-${place}`, width: 20, height: 20 })), word)));
  const made = figure({ title, points, draw, say: (place) => say(points[place]), head, row, words });
  made.querySelector("figcaption").after(key);
  return made;
}

// Each kind has a pattern of its own, for those to whom the colours look alike; once a page.
function hatch() {
  if (document.getElementById("hatches")) return;
  const tile = (name, ...drawn) => s("pattern", { id: name, width: 6, height: 6, patternUnits: "userSpaceOnUse" }, s("rect", { width: 6, height: 6 }), ...drawn);
  document.body.append(
    s(
      "svg", { id: "hatches", class: "unseen", width: 0, height: 0, "aria-hidden": "true" },
      tile("share-plain"),
      tile("share-lines", s("path", { d: "M-1 1l2-2M0 6L6 0M5 7l2-2" })),
      tile("share-cross", s("path", { d: "M0 3H6M3 0V6" })),
      tile("share-dots", s("circle", { cx: 3, cy: 3, r: 1.1 })),
    ),
  );
}
