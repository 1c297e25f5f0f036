// Keys of one letter that act anywhere on a page: they can be turned off, for those whose speech or hands press them.

import { h } from "/static/dom.js";

const KEY = "scanside-shortcuts";

const off = () => {
  try {
    return localStorage.getItem(KEY) === "off";
  } catch {
    return false;
  }
};

const typing = (element) => element?.matches?.("input, textarea, select, [contenteditable]");

// acts: {letter: act}. Gives what shows the keys and turns them off; words: {keys, letters, table}.
export function shortcuts(acts, words) {
  let on = !off();
  addEventListener("keydown", (event) => {
    if (!on || event.ctrlKey || event.altKey || event.metaKey || event.repeat || typing(event.target)) return;
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
  const box = h("input", { type: "checkbox", checked: on });
  box.addEventListener("change", () => {
    on = box.checked;
    localStorage.setItem(KEY, on ? "on" : "off");
  });
  return h(
    "details", { class: "keys" }, h("summary", {}, words.keys),
    h("dl", {}, words.table.map(([key, what]) => h("div", {}, h("dt", {}, key), h("dd", {}, what)))),
    h("label", { class: "switch" }, box, words.letters),
  );
}
