// What pages that keep the house are made of: buttons that name what they are for, rows that keep the focus.

import { h, put, say } from "/static/dom.js";
import { speak } from "/static/language.js";

const WORDS = speak({
  en: { sure: "Press again", sureOf: (deed, name) => `Press again: ${deed}, ${name}` },
  de: { sure: "Nochmals drücken", sureOf: (deed, name) => `Nochmals drücken: ${deed}, ${name}` },
});
const SURE_MS = 5000;

export const button = (word, name, onclick, more = {}) =>
  h("button", { class: "button", type: "button", onclick, "aria-label": name ? `${word}: ${name}` : null, ...more }, word);

// A second press within some seconds is the confirmation.
export function twice(said, word, name, deed) {
  const made = button(word, name, () => {
    if (made.dataset.sure) { deed(); return; }
    made.dataset.sure = "yes";
    made.textContent = WORDS.sure;
    made.ariaLabel = WORDS.sureOf(word, name);
    say(said, made.ariaLabel);
    setTimeout(() => {
      delete made.dataset.sure;
      made.textContent = word;
      made.ariaLabel = `${word}: ${name}`;
      if (said.textContent === WORDS.sureOf(word, name)) say(said, "");
    }, SURE_MS);
  });
  return made;
}

// Rows drawn anew; the focus stays at what it was on, or goes to the heading where that is gone.
export function fill(body, rows) {
  const controls = (row) => [...row.querySelectorAll("select, button, input, a")];
  const focused = body.contains(document.activeElement) ? document.activeElement : null;
  const before = focused?.closest("tr");
  const place = before ? controls(before).indexOf(focused) : -1;
  const key = before?.dataset.key;
  put(body, rows);
  if (!before) return;
  const after = [...body.rows].find((row) => row.dataset.key === key);
  const found = after && controls(after)[place];
  (found && !found.hidden ? found : (after && controls(after)[0]) || body.closest("section").querySelector("h2")).focus();
}

export const none = (columns, word) => h("tr", {}, h("td", { colspan: columns, class: "quiet" }, h("span", { class: "stays" }, word)));

// A state is a sign and a word, never a colour alone.
export const mark = (kind, word) => h("span", { class: `mark ${kind}` }, h("span", { class: "glyph", "aria-hidden": "true" }, GLYPHS[kind]), word);
const GLYPHS = { good: "✓", waits: "○", stopped: "‖", bad: "✕", gone: "–", shadow: "◐" };

export const key = () => crypto.randomUUID();
