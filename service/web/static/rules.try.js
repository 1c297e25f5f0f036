// Trying rules out: on the last verdicts, and on a DICOM file with a verdict that a person chooses. Nothing is done.

import { byId, h, put, say } from "/static/dom.js";
import { moment, tenths } from "/static/formats.js";
import { change } from "/static/session.js";
import { chip } from "/static/verdicts.js";
import { WORDS } from "/static/words.rules.js";

const options = (words, chosen) => Object.entries(words).map(([value, word]) => h("option", { value, selected: value === chosen }, word));

// on: {names, draft(): the draft, null where it is what is in force}
export function drawTry(part, on) {
  const which = h("select", { id: "try-which" }, options({ draft: WORDS.tryDraft, force: WORDS.tryInForce }, "draft"));
  const last = h("input", { id: "try-last", type: "number", min: 1, max: 500, value: 50 });
  const rules = () => (which.value === "draft" && on.draft() ? { rulebook: on.draft() } : null);
  put(
    part,
    h(
      "div", { class: "part-panel" },
      h(
        "section", { class: "panel", "aria-labelledby": "try-title" },
        h("h2", { id: "try-title" }, WORDS.tryTitle),
        h(
          "div", { class: "line-up" },
          h("div", {}, h("label", { for: "try-which" }, WORDS.tryWhich), which), h("div", {}, h("label", { for: "try-last" }, WORDS.tryLast), last),
          h("button", { class: "button strong", type: "button", id: "try-run", onclick: () => run(rules(), Number(last.value) || 50) }, WORDS.tryRun),
        ),
        h("p", { id: "try-said", class: "said", role: "status" }),
        h("div", { id: "try-told" }),
      ),
      filePanel(on, rules),
    ),
  );
}

async function run(rules, last) {
  const said = byId("try-said");
  try {
    const { held, items } = await change("POST", "/rules/dry-run", { rules, last });
    say(said, items.length ? WORDS.trySaid(items.length) : WORDS.tryNone);
    put(byId("try-told"), items.length ? [counts(held, items.length), table(items)] : null);
  } catch (error) {
    say(said, error.message);
  }
}

const scroll = (label, inner) => h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label }, inner);

const counts = (held, total) =>
  scroll(
    WORDS.tryHeld,
    h(
      "table", { class: "held" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, WORDS.tryRule), h("th", { scope: "col" }, WORDS.tryHeld))),
      h("tbody", {}, Object.entries(held).map(([name, n]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, WORDS.tryOf(n, total))))),
    ),
  );

const table = (items) =>
  scroll(
    WORDS.tryTitle,
    h(
      "table", { class: "told" }, h("thead", {}, h("tr", {}, WORDS.tryHead.map((word) => h("th", { scope: "col" }, word)))),
      h(
        "tbody", {},
        items.map((one) =>
          h(
            "tr", { "data-series": one.series },
            h("td", {}, chip(one), h("p", { class: "quiet" }, tenths(one.index))),
            h("td", {}, h("a", { href: `/#/series/${encodeURIComponent(one.series)}` }, one.description || "–"), h("p", { class: "quiet" }, `${one.scanner}, ${one.series_number ?? "–"}, ${moment(one.at)}`)),
            h("td", {}, fired(one.decision)), h("td", {}, follows(one.decision)), h("td", {}, one.fired_then.join(", ") || "–"),
          ),
        ),
      ),
    ),
  );

const fired = ({ fired: list }) => (list.length ? h("ul", {}, list.map((one) => h("li", {}, one.rule, one.mode === "shadow" ? h("span", { class: "flag" }, WORDS.shadowed) : null))) : "–");

function follows({ orders, routes }) {
  const lines = [
    ...orders.map((one) => `${one.kind === "alert" ? WORDS.kinds.alert : WORDS.forwarded}, ${one.channel}: ${one.text}`),
    ...Object.entries(routes).map(([name, route]) => `${name}: ${routeWords(route).join(", ")}`),
  ];
  return lines.length ? h("ul", {}, lines.map((one) => h("li", {}, one))) : WORDS.tryNothing;
}

const routeWords = ({ send, hold }) => [
  ...(send === null ? [] : [send ? WORDS.routeSend : WORDS.routeNot]),
  ...(hold === null ? [] : [hold ? WORDS.routeHold : WORDS.routeRelease]),
];

function filePanel(on, rules) {
  const input = h("input", { id: "try-file", type: "file", onchange: (event) => read(event.target.files[0], on, rules) });
  const zone = h(
    "div", { class: "drop" },
    h("p", {}, WORDS.fileHint), h("label", { for: "try-file" }, WORDS.fileChoose), input,
  );
  for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, (event) => { event.preventDefault(); zone.classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => { event.preventDefault(); read(event.dataTransfer.files[0], on, rules); });
  return h("section", { class: "panel", "aria-labelledby": "file-title" }, h("h2", { id: "file-title" }, WORDS.fileTitle), zone, h("p", { id: "file-said", class: "said", role: "status" }), h("div", { id: "file-case" }));
}

async function read(file, on, rules) {
  if (!file) return;
  const said = byId("file-said");
  try {
    const told = await change("POST", "/rules/describe?verdict=Repeat&index=2.5", new Blob([file], { type: "application/dicom" }));
    say(said, WORDS.fileRead);
    drawCase(told, on, rules);
  } catch (error) {
    say(said, error.message);
    put(byId("file-case"));
  }
}

function drawCase(told, on, rules) {
  const verdict = h("select", { id: "case-verdict" }, options(WORDS.verdicts, told.verdict));
  const index = h("input", { id: "case-index", type: "number", min: 0, max: 10, step: "any", value: told.index ?? "" });
  const scanner = h("input", { id: "case-scanner", type: "text", maxlength: 64, value: told.scanner });
  const ticks = (words, chosen) => Object.entries(words).map(([value, word]) => h("label", { class: "choice" }, h("input", { type: "checkbox", value, checked: chosen.includes(value) }), word));
  const artifacts = h("div", { class: "choices" }, ticks(on.names.artifacts, Object.keys(told.artifacts)));
  const circumstances = h("div", { class: "choices" }, ticks(WORDS.circumstances, told.circumstances));
  const chosen = (box) => [...box.querySelectorAll("input:checked")].map((one) => one.value);
  const out = h("div", { id: "case-told", role: "status" });
  const show = async () => {
    const shape = {
      ...told,
      at: null,
      verdict: verdict.value,
      index: index.value === "" ? null : Number(index.value),
      scanner: scanner.value,
      artifacts: Object.fromEntries(chosen(artifacts).map((name) => [name, [0.7, 0.9]])),
      circumstances: chosen(circumstances),
    };
    const decision = await change("POST", "/rules/try", { rules: rules(), case: shape });
    put(out, h("h3", {}, WORDS.follows), decision.fired.length ? [fired(decision), follows(decision)] : h("p", {}, WORDS.followsNothing));
  };
  const words = Object.entries(told.description).map(([facet, term]) => on.names.terms[facet]?.[term] ?? term);
  put(
    byId("file-case"),
    h("p", {}, [...words, told.field === null ? "" : `${told.field} T`].filter(Boolean).join(", ")),
    h(
      "div", { class: "grid" },
      h("div", {}, h("label", { for: "case-verdict" }, WORDS.verdict), verdict), h("div", {}, h("label", { for: "case-index" }, WORDS.index), index), h("div", {}, h("label", { for: "case-scanner" }, WORDS.scanner), scanner),
    ),
    h("fieldset", {}, h("legend", {}, WORDS.artifactsPresent), artifacts),
    h("fieldset", {}, h("legend", {}, WORDS.circumstancesNow), circumstances),
    h("div", { class: "line-up" }, h("button", { class: "button strong", type: "button", onclick: show }, WORDS.tryCase)),
    out,
  );
}
