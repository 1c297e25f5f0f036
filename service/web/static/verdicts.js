// The four verdicts: each a word, an icon and a colour, so that none depends on seeing the colour.

import { h, s } from "/static/dom.js";
import { WORDS } from "/static/words.js";

const line = { fill: "none", stroke: "currentColor", "stroke-width": 2.6, "stroke-linecap": "round", "stroke-linejoin": "round" };
const DRAWINGS = {
  usable: () => [s("circle", { cx: 12, cy: 12, r: 9.6, ...line }), s("path", { d: "M7.6 12.4l3 3 5.8-6.4", ...line })],
  check: () => [s("path", { d: "M12 2.8L22 20.6H2z", ...line }), s("path", { d: "M12 9.4v5M12 17.6v.1", ...line })],
  repeat: () => [
    s("path", { d: "M8 2.4h8L21.6 8v8L16 21.6H8L2.4 16V8z", ...line }),
    s("path", { d: "M16.6 10.2A5 5 0 1 0 17 12.9M17.1 6.6v3.7h-3.7", ...line, "stroke-width": 2 }),
  ],
  unscored: () => [
    s("circle", { cx: 12, cy: 12, r: 9.6, ...line, "stroke-dasharray": "3.4 3.1" }),
    s("path", { d: "M7.6 12h8.8", ...line }),
  ],
  sound: () => [s("path", { d: "M3.4 9.4h3.8L12 5v14l-4.8-4.4H3.4z", ...line, "stroke-width": 2 }), s("path", { class: "waves", d: "M15.4 9a4.4 4.4 0 0 1 0 6M18 6.4a8 8 0 0 1 0 11.2", ...line, "stroke-width": 2 })],
  busy: () => [s("circle", { cx: 12, cy: 12, r: 9.6, ...line }), s("path", { d: "M12 6.6V12l3.6 2.2", ...line })],
};
const KINDS = { Usable: "usable", Check: "check", Repeat: "repeat", "Not scored": "unscored" };

export function verdictOf(series) {
  if (series.verdict) return { kind: KINDS[series.verdict] ?? "unscored", word: WORDS.verdicts[series.verdict] ?? series.verdict };
  return { kind: "busy", word: series.state === "receiving" || series.state === "open" ? WORDS.receiving : WORDS.scoring };
}

export const icon = (kind) => s("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, ...DRAWINGS[kind]());

export function chip(series) {
  const { kind, word } = verdictOf(series);
  return h("span", { class: `chip ${kind}` }, icon(kind), h("span", {}, word));
}
