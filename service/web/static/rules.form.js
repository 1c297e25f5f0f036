// The form of one rule: typed fields for its conditions and actions. Each field knows its path, where problems are said.

import { h } from "/static/dom.js";
import { KINDS, made } from "/static/rules.kinds.js";
import { WORDS } from "/static/words.rules.js";

// on: {names, problems() -> [{path, message}], changed(): a value changed, redraw(path): the shape did}
export function ruleForm(rule, path, on) {
  const top = (name, label, control) => field({ path: `${path}.${name}`, label, control, on });
  return h(
    "div", { class: "rule-form" },
    h(
      "div", { class: "grid" },
      top("name", WORDS.name, (id) => text(id, rule, "name", on, { maxlength: 64 })),
      top("mode", WORDS.mode, (id) => select(id, rule, "mode", WORDS.modes, on)),
      top("note", WORDS.note, (id) => text(id, rule, "note", on, { maxlength: 500 })),
    ),
    h("label", { class: "choice" }, h("input", { type: "checkbox", checked: rule.final, onchange: (event) => { rule.final = event.target.checked; on.changed(); } }), WORDS.final),
    list("condition", rule.when, `${path}.when`, WORDS.when, WORDS.addCondition, on, WORDS.whenHint),
    list("action", rule.do, `${path}.do`, WORDS.then, WORDS.addAction, on),
  );
}

// A list of conditions or actions, each with its kind, its fields and a button that removes it.
function list(sort, items, path, title, add, on, hint) {
  const said = problemAt(path, on);
  return h(
    "fieldset", { class: "items", "data-path": path },
    h("legend", {}, title), hint ? h("p", { class: "quiet" }, hint) : null, said,
    items.map((item, n) => itemForm(sort, items, n, `${path}.${n}`, on)),
    h(
      "button", { class: "button", type: "button", "data-path": `${path}.add`, onclick: () => { items.push(made(sort, Object.keys(KINDS[sort])[0], on.names)); on.redraw(`${path}.${items.length - 1}.kind`); } },
      add,
    ),
  );
}

function itemForm(sort, items, n, path, on) {
  const item = items[n];
  const kind = KINDS[sort][item.kind];
  const kinds = Object.fromEntries(Object.keys(KINDS[sort]).map((one) => [one, WORDS.kinds[one]]));
  const swap = (event) => { items[n] = made(sort, event.target.value, on.names); on.redraw(`${path}.kind`); };
  const remove = () => { items.splice(n, 1); on.redraw(`${path.slice(0, path.lastIndexOf("."))}.add`); };
  return h(
    "div", { class: "item", role: "group", "aria-label": WORDS.kinds[item.kind] },
    h(
      "div", { class: "grid" },
      field({ path: `${path}.kind`, label: WORDS.kind, on, control: (id) => h("select", { id, "data-path": `${path}.kind`, onchange: swap }, options(kinds, item.kind)) }),
      (kind.fields ?? []).filter((one) => one.type !== "choices" && !one.wide).map((one) => typed(one, item, path, on)),
    ),
    (kind.fields ?? []).filter((one) => one.type === "choices" || one.wide).map((one) => typed(one, item, path, on)),
    kind.group ? list("condition", item.of, `${path}.of`, WORDS.fields.of, WORDS.addCondition, on) : problemAt(path, on),
    h("button", { class: "button", type: "button", "aria-label": WORDS.of(WORDS.remove, `${WORDS.kinds[item.kind]} ${n + 1}`), onclick: remove }, WORDS.remove),
  );
}

function typed(one, item, path, on) {
  const here = `${path}.${one.name}`;
  const label = WORDS.fields[one.name];
  const hint = one.hint?.(on.names);
  if (one.type === "choices") return choices(one, item, here, label, hint, on);
  const control = {
    number: (id, about) => number(id, item, one, on, about),
    select: (id, about) => select(id, item, one.name, one.options(on.names), on, about, one.resets ? () => { item[one.resets] = []; on.redraw(here); } : null),
    time: (id, about) => time(id, item, one, on, about),
    text: (id, about) => text(id, item, one.name, on, { maxlength: one.wide ? 500 : 64, ...about }),
    list: (id, about) => names(id, item, one.name, on, about),
  }[one.type];
  return field({ path: here, label, hint, control, on });
}

// A label, its control, a hint, and what is wrong there: both are told to screen readers with the control.
function field({ path, label, hint, control, on }) {
  const id = `f-${path}`;
  const wrong = problemAt(path, on);
  const about = [hint ? `${id}-hint` : "", wrong ? `${id}-wrong` : ""].filter(Boolean).join(" ");
  if (wrong) wrong.id = `${id}-wrong`;
  const made = control(id, {});
  if (about) made.setAttribute("aria-describedby", about);
  if (wrong) made.setAttribute("aria-invalid", "true");
  made.dataset.path = path;
  return h("div", { class: "field" }, h("label", { for: id }, label), made, hint ? h("p", { class: "quiet hint", id: `${id}-hint` }, hint) : null, wrong);
}

function problemAt(path, on) {
  const found = on.problems().filter((one) => one.path === path || (one.path.startsWith(`${path}.`) && /^\d+$/.test(one.path.slice(path.length + 1))));
  return found.length ? h("p", { class: "wrong", "data-problem": path }, found.map((one) => one.message).join(" ")) : null;
}

const options = (words, chosen) => [
  ...Object.entries(words).map(([value, word]) => h("option", { value, selected: value === chosen }, word)),
  chosen in words ? null : h("option", { value: chosen, selected: true }, chosen),
];

const text = (id, values, name, on, more) => h("input", { id, type: "text", autocomplete: "off", spellcheck: "false", value: values[name], ...more, oninput: (event) => { values[name] = event.target.value; on.changed(); } });
const select = (id, values, name, words, on, more = {}, then = null) => h("select", { id, ...more, onchange: (event) => { values[name] = event.target.value; on.changed(); then?.(); } }, options(words, values[name]));
const names = (id, values, name, on, more) =>
  h("input", { id, type: "text", autocomplete: "off", value: values[name].join(", "), ...more, oninput: (event) => { values[name] = event.target.value.split(",").map((one) => one.trim()).filter(Boolean); on.changed(); } });
const time = (id, values, one, on, more) =>
  h("input", { id, type: "time", value: values[one.name] === one.empty ? "" : values[one.name], ...more, onchange: (event) => { values[one.name] = event.target.value || one.empty || "00:00"; on.changed(); } });

function number(id, values, one, on, more) {
  const read = (event) => {
    values[one.name] = event.target.value === "" ? (one.needed ? 0 : null) : Number(event.target.value);
    on.changed();
  };
  return h("input", { id, type: "number", min: one.low, max: one.high, step: "any", value: values[one.name] ?? "", ...more, oninput: read });
}

function choices(one, item, path, label, hint, on) {
  const words = { ...one.options(on.names, item) };
  for (const value of item[one.name]) words[value] ??= value; // what is gone can still be taken out
  const tick = (value) => (event) => {
    const chosen = item[one.name].filter((other) => other !== value);
    item[one.name] = event.target.checked ? [...chosen, value] : chosen;
    on.changed();
  };
  const wrong = problemAt(path, on);
  const id = `f-${path}`;
  if (wrong) wrong.id = `${id}-wrong`;
  const about = [hint ? `${id}-hint` : "", wrong ? `${id}-wrong` : ""].filter(Boolean).join(" ");
  return h(
    "fieldset", { class: "field", "data-path": path, tabindex: "-1", "aria-describedby": about || null },
    h("legend", {}, label),
    hint ? h("p", { class: "quiet hint", id: `${id}-hint` }, hint) : null,
    h("div", { class: "choices" }, Object.entries(words).map(([value, word]) => h("label", { class: "choice" }, h("input", { type: "checkbox", checked: item[one.name].includes(value), onchange: tick(value) }), word))),
    wrong,
  );
}
