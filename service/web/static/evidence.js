// The classical metrics beside the score: each value on a bar with the band of clean images.

import { h, s } from "/static/dom.js";
import { figure } from "/static/formats.js";
import { WORDS } from "/static/words.js";

const [WIDE, TALL, MARGIN] = [168, 22, 10];

// A bar from a little below to a little above all that is shown. values: the first is the one that counts.
export function bandBar(values, low, high) {
  const all = [...values, low, high].filter((value) => value !== null);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const room = (most - least || Math.abs(most) || 1) * 0.12;
  const at = (value) => MARGIN + ((value - least + room) / (most - least + 2 * room)) * (WIDE - 2 * MARGIN);
  const beyond = low !== null && (values[0] < low || values[0] > high);
  const middle = TALL / 2;
  return s(
    "svg", { class: "band-bar", viewBox: `0 0 ${WIDE} ${TALL}`, "aria-hidden": "true" },
    s("line", { class: "axis", x1: MARGIN, x2: WIDE - MARGIN, y1: middle, y2: middle }),
    low === null ? null : s("rect", { class: "band", x: at(low), y: middle - 6, width: Math.max(1, at(high) - at(low)), height: 12, rx: 2 }),
    ...values.slice(1).map((value) => s("line", { class: "middle", x1: at(value), x2: at(value), y1: middle - 6, y2: middle + 6 })),
    beyond // another shape, not another colour alone
      ? s("path", { class: "value beyond", d: `M${at(values[0])} ${middle - 8}l7 8l-7 8l-7 -8z` })
      : s("circle", { class: "value", cx: at(values[0]), cy: middle, r: 5 }),
  );
}

const outside = (value, low, high) => low !== null && (value < low || value > high);

// What a metric says to one artifact.
export const statement = ({ title, says, value, low, high, reason, unit }) =>
  h(
    "li", { "data-says": says },
    h("span", {}, `${title}: `), h("strong", {}, WORDS.says[says]), " ",
    value === null
      ? h("span", { class: "quiet" }, reason)
      : [bandBar([value], low, high), h("span", { class: "quiet" }, WORDS.measured(withUnit(value, unit), figure(low), figure(high)))],
  );

const withUnit = (value, unit) => [figure(value), unit === "1" || unit === "{ratio}" ? "" : unit].filter(Boolean).join(" ");

// Every metric over the series; jump(position): to the slice that has the worst value.
export function evidencePart(metrics, jump) {
  const read = metrics.filter(({ extreme }) => extreme !== null);
  const silent = metrics.filter(({ extreme }) => extreme === null);
  if (!metrics.length) return null;
  const line = ({ title, unit, median, extreme, slice, n_slices: n, low, high, own_low: least, own_high: most, own_series: learnt }) =>
    h(
      "tr", { class: outside(extreme, low, high) ? "beyond" : null },
      h("th", { scope: "row" }, title),
      h("td", {}, bandBar([extreme, median], low, high), h("p", { class: "quiet" }, low === null ? WORDS.noBand : WORDS.span(figure(low), figure(high)))),
      h("td", {}, withUnit(median, unit), least === null ? null : h("p", { class: "quiet" }, WORDS.ownBand(figure(least), figure(most), learnt))),
      h("td", {}, withUnit(extreme, unit), outside(extreme, low, high) ? h("span", { class: "flag" }, WORDS.beyond) : null),
      h("td", {}, slice === null ? WORDS.onSlices(n) : h("button", { type: "button", class: "button", onclick: () => jump(slice) }, WORDS.showSlice(slice + 1))),
    );
  return h(
    "section", { class: "metrics" }, h("h3", { id: "metrics-title" }, WORDS.metrics),
    h("p", { class: "quiet" }, WORDS.metricsWhy),
    h(
      "div", { class: "scroll", tabindex: 0, role: "group", "aria-labelledby": "metrics-title" },
      h("table", {}, h("thead", {}, h("tr", {}, WORDS.metricHead.map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, read.map(line))),
    ),
    silent.length ? h("ul", { class: "quiet" }, silent.map(({ title, reason }) => h("li", {}, `${title}: ${reason}`))) : null,
  );
}
