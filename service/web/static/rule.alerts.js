// What the site's rules alert the console to: it stays until a person puts it away, or a later one takes its place.

import { byId, h } from "/static/dom.js";
import { clock } from "/static/formats.js";
import { WORDS } from "/static/words.rule.alerts.js";

const MOST = 4;

// body: of an event of kind "notice".
export function showAlert({ at, series, data }) {
  const box = byId("rule-alerts") ?? place();
  if (box.querySelector(`[data-errand="${data.errand}"]`)) return; // a replay may tell twice
  box.querySelector(`[data-errand="${data.replaces}"]`)?.remove();
  const element = h(
    "div", { class: `rule-alert ${data.priority}`, "data-errand": data.errand },
    h("strong", {}, data.event === "withdrawn" ? WORDS.withdrawn : WORDS.priorities[data.priority] ?? data.priority),
    h("span", { class: "rule-alert-text" }, data.text, h("span", { class: "rule-alert-by" }, ` ${WORDS.rule(data.rule)}, ${clock(new Date(at * 1000))}`)),
    h("a", { class: "button", href: `/#/series/${encodeURIComponent(series)}` }, WORDS.open),
    h("button", { class: "button", type: "button", onclick: () => element.remove() }, WORDS.putAway),
  );
  box.prepend(element);
  while (box.children.length > MOST) box.lastElementChild.remove();
}

function place() {
  const box = h("section", { id: "rule-alerts", class: "rule-alerts", role: "log", "aria-label": WORDS.title });
  byId("banner").after(box);
  return box;
}
