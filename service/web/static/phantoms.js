// What each artifact looks like, drawn over a head that is nobody's: a schematic, made of shapes alone.

import { s } from "/static/dom.js";

let drawn = 0;

const oval = (cx, cy, rx, ry, fill, more = {}) => s("ellipse", { cx, cy, rx, ry, fill, ...more });

// A slice above the eyes: scalp (fat, bright), skull (dark), brain with folds, the midline, the ventricles.
const FOLDS = Array.from({ length: 22 }, (_, n) => {
  const angle = (n / 22) * 2 * Math.PI;
  const at = (share) => `${(50 + 29 * share * Math.sin(angle)).toFixed(1)} ${(50 - 37 * share * Math.cos(angle)).toFixed(1)}`;
  return `M${at(0.99)}L${at(n % 2 ? 0.84 : 0.77)}`;
}).join("");
const head = (dx = 0, dy = 0, opacity = 1, scalp = "#d8d8d8") =>
  s(
    "g", { transform: `translate(${dx} ${dy})`, opacity },
    oval(50, 50, 34, 42, scalp), oval(50, 50, 31, 39, "#111"), oval(50, 50, 29, 37, "#8c8c8c"),
    oval(50, 50, 21, 28, "#aaaaaa"),
    s("path", { d: `${FOLDS}M50 13V36M50 64V87`, stroke: "#4a4a4a", "stroke-width": 1.3, fill: "none" }),
    s("path", { d: "M48.5 36Q40 40 44.5 50Q47 56 42 63M51.5 36Q60 40 55.5 50Q53 56 58 63", stroke: "#262626", "stroke-width": 3.6, "stroke-linecap": "round", fill: "none" }),
  );

// The same speckles every time: a small generator with a seed.
function speckles(count, seed) {
  let state = seed;
  const next = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const path = (n) => Array.from({ length: n }, () => `M${(next() * 98).toFixed(1)} ${(next() * 98).toFixed(1)}h1.6v1.6h-1.6z`).join("");
  return [s("path", { d: path(count), fill: "#fff", opacity: 0.42 }), s("path", { d: path(count), fill: "#000", opacity: 0.5 })];
}

const stripes = () => Array.from({ length: 24 }, (_, n) => s("line", { x1: n * 9 - 100, y1: 0, x2: n * 9, y2: 100, stroke: n % 2 ? "#fff" : "#000", "stroke-width": 3, opacity: 0.28 }));

const rings = () => [3, 6, 9, 12].map((depth) => oval(50, 50, 29 - depth, 37 - depth, "none", { stroke: depth % 2 ? "#e8e8e8" : "#5a5a5a", "stroke-width": 1.1, opacity: 0.9 - depth / 16 }));

function shade(name) {
  const id = `shade-${name}-${drawn}`;
  return [
    s("defs", {}, s("linearGradient", { id, x1: 0, y1: 0, x2: 1, y2: 0.3 }, s("stop", { offset: 0, "stop-color": "#000", "stop-opacity": 0 }), s("stop", { offset: 1, "stop-color": "#000", "stop-opacity": 0.88 }))),
    s("rect", { width: 100, height: 100, fill: `url(#${id})` }),
  ];
}

const FIGURES = {
  motion: () => [head(0, 0, 0.45), head(0, 2.5, 0.4), head(1.5, -2.5, 0.4), head(-1.5, 4.5, 0.3)],
  ghost: () => [head(0, -34, 0.24), head(0, 34, 0.24), head(0, 0, 0.92)],
  flow: () => [head(), ...[-42, -28, -14, 0, 14, 28, 42].map((dy) => oval(50, 72 + dy, 2.6, 2.6, "#fff", { opacity: dy ? 0.55 - Math.abs(dy) / 120 : 1 }))],
  wrap: () => [head(0, 30), head(0, -70)],
  gibbs: () => [head(), rings()],
  spike: () => [head(), stripes()],
  zipper: () => [head(), s("path", { d: "M0 34H100", stroke: "#fff", "stroke-width": 2.4, "stroke-dasharray": "2.2 1.6" }), s("path", { d: "M1 36.4H100", stroke: "#000", "stroke-width": 2, "stroke-dasharray": "1.8 2.4" })],
  noise: () => [head(0, 0, 0.62), speckles(750, 7)],
  bias: () => [head(), shade("bias")],
  susceptibility: () => [head(), oval(50, 88, 15, 12, "#000"), s("path", { d: "M35 86a15 12 0 0 1 30 0", fill: "none", stroke: "#fff", "stroke-width": 2.2 }), s("path", { d: "M40 74q10 -9 20 0", fill: "none", stroke: "#d0d0d0", "stroke-width": 2 })],
  chemshift: () => [head(0, 0, 1, "#111"), s("g", { transform: "translate(5 0)" }, oval(50, 50, 32.5, 40.5, "none", { stroke: "#e4e4e4", "stroke-width": 3 })), s("path", { d: "M17 38a33 41 0 0 0 0 24", fill: "none", stroke: "#000", "stroke-width": 4 })],
  parallel: () => [head(), s("g", { opacity: 0.55 }, oval(50, 8, 31, 39, "none", { stroke: "#e0e0e0", "stroke-width": 2 }), oval(50, 92, 31, 39, "none", { stroke: "#e0e0e0", "stroke-width": 2 })), s("g", { "clip-path": "inset(34% 22% 34% 22%)" }, speckles(420, 11))],
  fatsat: () => [head(0, 0, 1, "#333"), s("path", { d: "M19 34A34 42 0 0 1 62 10.5L60 15A31 39 0 0 0 22.5 36z", fill: "#fff" }), s("path", { d: "M78 60A29 37 0 0 1 60 84L56 66Q66 62 68 52z", fill: "#222", opacity: 0.75 })],
};

export const FIGURED = Object.keys(FIGURES);

// The figure of an artifact; words is its accessible name.
export function phantom(name, words) {
  drawn += 1;
  const clip = `frame-${drawn}`;
  return s(
    "svg", { viewBox: "0 0 100 100", role: "img", "aria-label": words },
    s("defs", {}, s("clipPath", { id: clip }, s("rect", { width: 100, height: 100 }))),
    s("g", { "clip-path": `url(#${clip})` }, FIGURES[name]().flat()),
  );
}
