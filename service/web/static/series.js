// The newest verdict, large, and the list of series under it.

import { h, put, say } from "/static/dom.js";
import { mark, shown } from "/static/marks.js";
import { chip, icon, verdictOf } from "/static/verdicts.js";
import { moment, tenths } from "/static/formats.js";
import { WORDS } from "/static/words.js";

export const titleOf = (series) => [WORDS.series(series.series_number), series.description].filter(Boolean).join(" · ");

// Whether somebody said this, or anything, to the verdict that stands.
export const saidNow = (series, kind = null) => series.feedback.some((one) => !one.earlier && (kind === null || one.kind === kind));

export function flags(series) {
  return [
    series.generation > 1 ? h("span", { class: "flag" }, WORDS.revision(series.generation)) : null,
    series.conflict ? h("span", { class: "flag bad" }, WORDS.conflict) : null,
    series.incomplete ? h("span", { class: "flag bad" }, WORDS.incomplete) : null,
    saidNow(series, "aborted") ? h("span", { class: "flag" }, WORDS.aborted) : null,
    series.provisional ? h("span", { class: "flag" }, WORDS.provisional) : null,
    series.held ? h("span", { class: "flag bad" }, WORDS.held) : null,
    series.former_identity ? h("span", { class: "flag bad" }, WORDS.formerIdentity) : null,
  ];
}

const judgedAt = (series) => Date.parse(series.closed_at ?? series.last_instance_at);

export function newest(all) {
  const judged = all.filter((series) => series.verdict);
  return judged.reduce((best, series) => (!best || judgedAt(series) > judgedAt(best) ? series : best), null);
}

function gauge(series) {
  return h(
    "p", { class: "gauge" },
    h("span", { class: "gauge-name" }, WORDS.index),
    h("span", { class: "gauge-value" }, tenths(series.index)),
    h("span", { class: "gauge-scale" }, WORDS.outOf),
  );
}

// tell: the page is past its first list, so that another verdict here is news. link: where its slices are shown.
// actions: what can be done about it, drawn anew with `state`.
export function drawLatest(section, series, { tell, link = (id) => `#/series/${id}`, actions = () => null, state = "" }) {
  if (!series) {
    section.className = "latest none";
    section.replaceChildren(h("p", { class: "verdict" }, WORDS.noVerdict), h("p", { class: "reason" }, WORDS.noVerdictWhy));
    return;
  }
  const said = JSON.stringify([series.id, series.verdict, series.reason, series.index, series.advice]);
  const key = JSON.stringify([said, state, flags(series).map((flag) => flag?.textContent)]);
  if (section.dataset.key === key) return; // a live region speaks on every change
  const fresh = tell && section.dataset.said !== said;
  const focused = section.querySelector(":focus")?.dataset.act;
  section.dataset.key = key;
  section.dataset.said = said;
  section.dataset.series = series.id;
  const { kind, word } = verdictOf(series);
  section.className = `latest ${kind}`;
  put(
    section,
    h("div", { class: "sign" }, icon(kind), h("p", { class: "verdict" }, WORDS.inSyllables(word))),
    h(
      "div", { class: "why" },
      h("p", { class: "reason" }, series.reason),
      series.advice.length ? h("p", { class: "advice" }, series.advice[0]) : null,
    ),
    h(
      "div", { class: "which" },
      series.index === null ? null : gauge(series),
      h("p", { class: "where" }, h("strong", {}, series.scanner), ` ${titleOf(series)}`),
      h("p", { class: "when" }, h("time", { datetime: series.last_instance_at }, moment(series.last_instance_at)), flags(series)),
      h("a", { class: "button", href: link(series.id), "data-act": "show" }, WORDS.show),
    ),
    actions(),
  );
  if (focused) section.querySelector(`[data-act="${focused}"]`)?.focus();
  if (fresh) {
    section.classList.add("fresh");
    shown(() => mark("verdict-shown", series.id));
  }
}

function row(series, chosen, link) {
  return h(
    "li", {},
    h(
      "a",
      { class: "row", href: link(series.id), "aria-current": chosen ? "true" : null, "data-id": series.id },
      chip(series),
      h("span", { class: "number" }, tenths(series.index)),
      h("span", { class: "title" }, titleOf(series)),
      h(
        "span", { class: "meta" },
        h("span", {}, series.scanner),
        h("time", { datetime: series.last_instance_at }, moment(series.last_instance_at)),
        h("span", {}, WORDS.images(series.received, series.expected)),
        flags(series),
      ),
    ),
  );
}

export class List {
  // link: where a series is shown, by its id
  constructor(element, link = (id) => `#/series/${id}`) {
    this.element = element;
    this.link = link;
    this.rows = new Map(); // id -> {key, item}
  }

  draw(all, chosenId) {
    if (!all.length) {
      this.rows.clear();
      this.element.replaceChildren(h("li", { class: "empty" }, WORDS.noSeries));
      return;
    }
    const kept = new Map();
    for (const series of all) {
      const key = JSON.stringify([series, series.id === chosenId]);
      const old = this.rows.get(series.id);
      kept.set(series.id, old?.key === key ? old : { key, item: this.renew(old, series, chosenId) });
    }
    this.rows = kept;
    const items = [...kept.values()].map(({ item }) => item);
    const same = items.length === this.element.children.length && items.every((item, i) => item === this.element.children[i]);
    if (!same) this.arrange(items);
  }

  // A new item in the place of the old one; the focus, if it was there, stays.
  renew(old, series, chosenId) {
    const item = row(series, series.id === chosenId, this.link);
    if (old?.item.contains(document.activeElement)) {
      old.item.replaceWith(item);
      item.querySelector("a").focus();
    } else {
      old?.item.replaceWith(item);
    }
    return item;
  }

  arrange(items) {
    const focused = document.activeElement;
    this.element.replaceChildren(...items);
    if (focused && this.element.contains(focused)) focused.focus({ preventScroll: true });
  }
}

export function drawWork(element, all) {
  const open = all.filter((series) => !series.verdict).length;
  say(element, open ? WORDS.waiting(open) : WORDS.idle);
}
