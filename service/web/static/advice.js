// What may be done about an artifact: the best first, each with what it costs, and where the fact stands.

import { h } from "/static/dom.js";
import { WORDS } from "/static/words.js";

const SHOWN = 3; // the rest opens on demand

// Seconds to five, as scanners say them: 2:40.
export function clock(seconds) {
  const rounded = Math.max(5, Math.round(seconds / 5) * 5);
  return rounded < 60 ? `${rounded} s` : `${Math.floor(rounded / 60)}:${String(rounded % 60).padStart(2, "0")}`;
}

// The cost in words may tell the time already.
function cost({ cost: words, seconds }) {
  const time = seconds ? clock(seconds) : "";
  return [time && !words.includes(time) ? WORDS.newScan(time) : "", words].filter(Boolean).join(", ");
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function adviceOn({ lead, advice, suggestions }) {
  if (!suggestions.length) return h("p", { class: "advice" }, advice);
  const sources = [...new Set(suggestions.map(({ source }) => source))];
  const one = (suggestion) => {
    const told = cost(suggestion);
    return h(
      "li", {},
      h("span", {}, sentence(suggestion.text)), " ",
      h("span", { class: "cited" }, `[${sources.indexOf(suggestion.source) + 1}]`),
      told ? h("span", { class: "cost" }, told) : null,
    );
  };
  const rest = suggestions.slice(SHOWN);
  return h(
    "div", { class: "advice" },
    h("p", {}, lead),
    h("ol", { class: "suggestions" }, suggestions.slice(0, SHOWN).map(one)),
    h(
      "details", { class: "others" }, h("summary", {}, WORDS.moreAdvice(rest.length)),
      rest.length ? h("ol", { class: "suggestions", start: SHOWN + 1 }, rest.map(one)) : null,
      h("ol", { class: "sources" }, sources.map((source, n) => h("li", { lang: "en" }, `[${n + 1}] ${source}`))),
    ),
  );
}
