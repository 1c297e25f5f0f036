// What everybody has to know on every page: nothing leaves, or something is stopped.

import { h, put } from "/static/dom.js";
import { moment } from "/static/formats.js";
import { speak } from "/static/language.js";
import { ask } from "/static/session.js";
import { CATALOGUE } from "/static/words.maintenance.js";

const WORDS = speak(CATALOGUE);
const RENEW_MS = 5000;
let box = null;

const sentence = ({ what, by, at, reason }) => [
  h("strong", {}, what === "scoring" ? WORDS.scoring : WORDS.to(what.slice(3))),
  h("span", {}, WORDS.since(by, moment(at), reason)),
];

// Asks and shows; a service that does not answer is told of elsewhere.
export async function look() {
  if (!box || document.hidden) return;
  let told;
  try {
    told = await ask("/maintenance");
  } catch {
    return;
  }
  const key = JSON.stringify(told.pauses.map(({ what, at }) => [what, at]).concat([told.mode]));
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  const lines = [
    ...(told.mode === "shadow" ? [h("p", { class: "maintenance-line shadow" }, h("strong", {}, WORDS.shadow), h("span", {}, WORDS.shadowWhy))] : []),
    ...told.pauses.map((one) => h("p", { class: "maintenance-line" }, sentence(one))),
  ];
  document.body.dataset.mode = told.mode;
  put(box, lines);
  box.hidden = !lines.length;
}

export function watch(session) {
  if (box || !session.permissions.includes("read")) return;
  box = h("div", { id: "maintenance", class: "maintenance", role: "status", hidden: true });
  document.querySelector(".bar").after(box);
  look();
  setInterval(look, RENEW_MS);
}
