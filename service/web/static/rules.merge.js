// Two people changed the rules: what each changed is put together by rule, and where both changed one, a person chooses.

import { h, put } from "/static/dom.js";
import { saidAction, saidCondition } from "/static/rules.kinds.js";
import { WORDS } from "/static/words.rules.js";

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const byName = (rulebook) => new Map(rulebook.rule.map((rule) => [rule.name, rule]));

// Gives for each rule name [mine, theirs, which]: "mine", "theirs", or "both" where a person chooses.
export function compared(base, mine, theirs) {
  const [old, my, their] = [base, mine, theirs].map(byName);
  const found = new Map();
  for (const name of new Set([...their.keys(), ...my.keys(), ...old.keys()])) {
    const [was, left, right] = [old.get(name), my.get(name), their.get(name)];
    const which = same(left, right) || same(left, was) ? "theirs" : same(right, was) ? "mine" : "both";
    found.set(name, [left, right, which]);
  }
  return found;
}

// `chosen` gives for each name "mine" or "theirs". Their order stands; what only I have follows what it followed.
export function together(mine, theirs, found, chosen) {
  const pick = (name) => found.get(name)[chosen(name) === "mine" ? 0 : 1];
  const rules = theirs.rule.map((rule) => pick(rule.name)).filter(Boolean);
  for (const [n, rule] of mine.rule.entries()) {
    if (rules.some((one) => one.name === rule.name) || !pick(rule.name)) continue;
    const before = mine.rule.slice(0, n).map((one) => one.name).reverse().find((name) => rules.some((one) => one.name === name));
    rules.splice(before === undefined ? 0 : rules.findIndex((one) => one.name === before) + 1, 0, rule);
  }
  return { ...theirs, rule: rules };
}

// Asks the person in a dialog; gives the rulebook, null where that is cancelled.
export function merge(dialog, base, mine, told, names) {
  const theirs = told.rulebook;
  const found = compared(base, mine, theirs);
  const choice = new Map([...found].map(([name, [, , which]]) => [name, which === "both" ? "theirs" : which]));
  const torn = [...found].filter(([, [, , which]]) => which === "both");
  const zoneTorn = !same(mine.time_zone, theirs.time_zone) && !same(mine.time_zone, base.time_zone) && !same(theirs.time_zone, base.time_zone);
  let zone = same(mine.time_zone, base.time_zone) || zoneTorn ? "theirs" : "mine";
  const { author, why, number } = told.version;
  return new Promise((resolve) => {
    const end = (value) => { dialog.close(); resolve(value); };
    const take = () => end({ ...together(mine, theirs, found, (name) => choice.get(name)), time_zone: (zone === "mine" ? mine : theirs).time_zone });
    dialog.oncancel = () => resolve(null);
    put(
      dialog,
      h("h2", { id: "dialog-title", tabindex: "-1" }, WORDS.mergeTitle),
      h("p", {}, WORDS.mergeLead(number, author, why)),
      torn.length || zoneTorn ? null : h("p", {}, WORDS.mergeNone),
      torn.map(([name, [left, right]], n) => pair(name, `choice-${n}`, said(left, names), said(right, names), (side) => choice.set(name, side))),
      zoneTorn ? pair(WORDS.zone, "choice-zone", mine.time_zone || "–", theirs.time_zone || "–", (side) => { zone = side; }) : null,
      h("div", { class: "line-up" }, h("button", { class: "button strong", type: "button", onclick: take }, WORDS.mergeTake), h("button", { class: "button", type: "button", onclick: () => end(null) }, WORDS.cancel)),
    );
    dialog.showModal();
    dialog.querySelector("h2").focus();
  });
}

const said = (rule, names) => (rule ? `${WORDS.modeShort[rule.mode]}. ${WORDS.when}: ${rule.when.map((one) => saidCondition(one, names)).join(` ${WORDS.groups.all} `) || WORDS.always}. ${WORDS.then}: ${rule.do.map(saidAction).join("; ")}` : WORDS.mergeRemoved);

function pair(title, group, mine, theirs, choose) {
  const side = (which, word, text) =>
    h("div", { class: "side" }, h("label", {}, h("input", { type: "radio", name: group, checked: which === "theirs", onchange: () => choose(which) }), word), h("p", {}, text));
  return h("fieldset", { class: "pair" }, h("legend", {}, title), h("div", { class: "sides" }, side("theirs", WORDS.mergeTheirs, theirs), side("mine", WORDS.mergeMine, mine)));
}
