// Help for each of those who use the console: read without a network, from the same words as the pages.

import { byId, h, put } from "/static/dom.js";
import { fillWords } from "/static/language.js";
import { enter } from "/static/nav.js";
import { FIGURED, phantom } from "/static/phantoms.js";
import { WORDS as SERIES } from "/static/words.js";
import { WORDS as BOARD } from "/static/words.board.js";
import { WORDS as REVIEW } from "/static/words.review.js";
import { WORDS } from "/static/words.help.js";

fillWords(WORDS);

const panel = (id, title, ...inside) => h("section", { class: "panel", "aria-labelledby": id }, h("h2", { id, tabindex: "-1" }, title), ...inside);

// What stands between two grave accents is for a terminal.
const inline = (text) => text.split("`").map((piece, n) => (n % 2 ? h("code", {}, piece) : piece));

// A part is a title and pieces: a text, or a list of texts.
const reading = ({ id, title, text }) =>
  panel(id, title, h("div", { class: "reading" }, text.map((piece) => (Array.isArray(piece) ? h("ul", {}, piece.map((line) => h("li", {}, inline(line)))) : h("p", {}, inline(piece))))));

const shape = (name) => {
  const [title, looks, comes] = WORDS.artifacts[name];
  return h("article", { class: "shape" }, phantom(name, WORDS.figure(title)), h("div", {}, h("h3", {}, title), h("p", {}, looks), h("p", {}, comes)));
};

const keys = (title, table) => [
  h("h3", {}, title),
  h("dl", { class: "facts" }, table.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])),
];

const parts = [
  ...WORDS.parts.map(reading),
  panel("artifacts", WORDS.artifactsTitle, h("p", { class: "reading quiet" }, WORDS.artifactsWhy), h("div", { class: "shapes" }, FIGURED.map(shape))),
  panel("keys-of", WORDS.keysTitle, ...keys(WORDS.keysSeries, SERIES.keyTable), ...keys(WORDS.keysBoard, BOARD.keyTable), ...keys(WORDS.keysReview, REVIEW.keyTable)),
  reading(WORDS.limits),
];
put(byId("parts"), parts);
put(byId("contents"), [...document.querySelectorAll("#parts h2")].map((title) => h("a", { href: `#${title.id}` }, title.textContent)));
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();

enter();
