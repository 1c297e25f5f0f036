// Site rules: what is in force, the draft that a person works on, and the parts of the page.

import { byId, h, put, say } from "/static/dom.js";
import { moment } from "/static/formats.js";
import { fillWords } from "/static/language.js";
import { enter } from "/static/nav.js";
import { drawDone } from "/static/rules.done.js";
import { ruleForm } from "/static/rules.form.js";
import { made, saidAction, saidCondition } from "/static/rules.kinds.js";
import { merge } from "/static/rules.merge.js";
import { drawTry } from "/static/rules.try.js";
import { drawVersions } from "/static/rules.versions.js";
import { ask, change } from "/static/session.js";
import { WORDS } from "/static/words.rules.js";

const TABS = ["rules", "try", "versions", "done"];
const CHECK_MS = 500;

const state = {
  told: null, // what the service said of the rules in force
  draft: null, // the rulebook as it is being changed
  open: new Set(), // rules whose form is shown
  problems: [],
  may: false,
  asText: false,
};
let checking = 0;
let asked = 0;

const copy = (value) => structuredClone(value);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const changed = () => !same(state.draft, state.told.rulebook);
const number = () => state.told.version?.number ?? 0;
const etag = () => ({ "If-Match": `"${number()}"` });

function drawHead() {
  const { version, file, file_problem: why, problems } = state.told;
  say(byId("in-force"), version ? WORDS.inForce(version.number, version.author, moment(version.at), version.why) : WORDS.noVersion);
  const told = file === "unfit" ? WORDS.file.unfit(why) : WORDS.file[file];
  put(
    byId("rule-notices"),
    state.may ? null : h("p", { class: "notice" }, WORDS.readOnly),
    told ? h("p", { class: "notice" }, told) : null,
    problems.length ? h("div", { class: "notice" }, h("p", {}, WORDS.gone(problems.length)), h("ul", {}, problems.map((one) => h("li", {}, `${one.path}: ${one.message}`)))) : null,
  );
}

// on: what the form of a rule is handed.
const on = { get names() { return state.told.names; }, problems: () => state.problems, changed: touched, redraw: (path) => { drawRules(); focusOn(path); touched(); } };

function focusOn(path) {
  const found = document.querySelector(`[data-path="${CSS.escape(path)}"]`);
  found?.focus();
  found?.scrollIntoView({ block: "nearest" });
}

function card(rule, n) {
  const open = state.open.has(rule);
  const deed = (word, act, more = {}) => h("button", { class: "button", type: "button", "aria-label": WORDS.of(word, rule.name), "data-path": `rule.${n}.${word}`, onclick: act, ...more }, word);
  const move = (by, word) => () => {
    const [one] = state.draft.rule.splice(n, 1);
    state.draft.rule.splice(n + by, 0, one);
    on.redraw(`rule.${n + by}.${word}`);
  };
  const deeds = [
    deed(open ? WORDS.close : WORDS.edit, () => { if (open) state.open.delete(rule); else state.open.add(rule); drawRules(); focusOn(open ? `rule.${n}.${WORDS.edit}` : `rule.${n}.name`); }, { "aria-expanded": String(open) }),
    n > 0 ? deed(WORDS.up, move(-1, WORDS.up)) : null,
    n < state.draft.rule.length - 1 ? deed(WORDS.down, move(1, WORDS.down)) : null,
    deed(WORDS.copy, () => { state.draft.rule.splice(n + 1, 0, { ...copy(rule), name: WORDS.copyOf(rule.name).slice(0, 64) }); on.redraw(`rule.${n + 1}.${WORDS.edit}`); }),
    deed(WORDS.remove, () => { state.draft.rule.splice(n, 1); on.redraw("rule.add"); }),
  ];
  const { when, do: then } = rule;
  return h(
    "article", { class: `rulecard mode-${rule.mode}`, "data-rule": rule.name },
    h(
      "div", { class: "rule-head" },
      h("h2", {}, rule.name || "–"), h("span", { class: "flag" }, WORDS.modeShort[rule.mode]), rule.final ? h("span", { class: "flag" }, WORDS.finalShort) : null,
      state.may ? h("div", { class: "deeds" }, deeds) : null,
    ),
    rule.note ? h("p", { class: "note" }, rule.note) : null,
    h(
      "dl", { class: "facts" },
      h("dt", {}, WORDS.when), h("dd", {}, when.length ? when.map((one) => saidCondition(one, on.names)).join(` ${WORDS.groups.all} `) : WORDS.always),
      h("dt", {}, WORDS.then), h("dd", {}, then.map(saidAction).join("; ")),
    ),
    open ? ruleForm(rule, `rule.${n}`, on) : null,
  );
}

function drawRules() {
  const add = () => {
    const rule = { name: WORDS.newName(state.draft.rule.length + 1), note: "", mode: "shadow", final: false, when: [made("condition", "verdict", on.names)], do: [made("action", "alert", on.names)] };
    state.draft.rule.push(rule);
    state.open.add(rule);
    on.redraw(`rule.${state.draft.rule.length - 1}.name`);
  };
  const zone = h("input", { id: "f-time_zone", type: "text", maxlength: 64, value: state.draft.time_zone, readonly: !state.may, autocomplete: "off", "data-path": "time_zone", placeholder: "Europe/Berlin", oninput: (event) => { state.draft.time_zone = event.target.value.trim(); touched(); } });
  put(
    byId("form"),
    h("p", { class: "quiet" }, state.draft.rule.length ? WORDS.order : WORDS.noRules),
    h("div", { class: "rules" }, state.draft.rule.map(card)),
    h(
      "div", { class: "line-up" },
      state.may ? h("button", { class: "button strong", type: "button", "data-path": "rule.add", onclick: add }, WORDS.addRule) : null,
      h("div", {}, h("label", { for: "f-time_zone" }, WORDS.zone), zone),
    ),
  );
}

// A value changed: the rules are checked a moment later, and the way to keep them is offered.
function touched() {
  drawKeep();
  clearTimeout(checking);
  checking = setTimeout(check, CHECK_MS);
}

async function check() {
  const mine = ++asked;
  const { problems } = await change("POST", "/rules/check", { rulebook: state.draft });
  if (mine !== asked || same(problems, state.problems)) return;
  state.problems = problems;
  const held = document.activeElement?.dataset?.path;
  const at = document.activeElement?.selectionStart;
  drawRules();
  drawKeep();
  if (!held) return;
  focusOn(held);
  try {
    document.activeElement.setSelectionRange(at, at);
  } catch {
    // a field without a caret
  }
}

function drawKeep() {
  const box = byId("keep");
  if (!state.may || !changed()) {
    box.hidden = true;
    put(box);
    return;
  }
  if (box.hidden) {
    box.hidden = false;
    put(
      box,
      h("h2", {}, WORDS.changed), h("div", { id: "problems", class: "problems", role: "status" }),
      h("div", {}, h("label", { for: "why" }, WORDS.why), h("input", { id: "why", type: "text", maxlength: 200, autocomplete: "off" })),
      h("button", { class: "button strong", type: "button", onclick: save }, WORDS.save),
      h("button", { class: "button", type: "button", onclick: () => { adopt(state.told); say(byId("rules-said"), ""); } }, WORDS.discard),
    );
  }
  put(
    byId("problems"),
    state.problems.length ? [h("p", {}, WORDS.problems(state.problems.length)), h("ul", {}, state.problems.map(problemLine))] : null,
  );
}

function problemLine(one) {
  const [, n] = one.path.split(".");
  const rule = state.draft.rule[n];
  const go = () => {
    if (rule) state.open.add(rule);
    drawRules();
    focusOn(one.path);
    const near = document.querySelector(`[data-problem]`);
    if (!document.querySelector(`[data-path="${CSS.escape(one.path)}"]`)) near?.scrollIntoView({ block: "center" });
  };
  return h("li", {}, h("button", { class: "link", type: "button", onclick: go }, `${rule ? `${rule.name}: ` : ""}${one.message}`));
}

async function save() {
  const said = byId("rules-said");
  const why = byId("why");
  if (!why.value.trim()) {
    say(said, WORDS.needsWhy);
    why.focus();
    return;
  }
  clearTimeout(checking);
  await check();
  if (state.problems.length) {
    byId("problems").querySelector("button")?.focus();
    return;
  }
  try {
    const before = number();
    const told = await change("PUT", "/rules", { rulebook: state.draft, why: why.value.trim() }, etag());
    adopt(told);
    say(said, told.version.number === before ? WORDS.nothing : WORDS.saved(told.version.number));
  } catch (error) {
    if (error.status !== 412) {
      say(said, error.message);
      return;
    }
    const theirs = await ask("/rules");
    const merged = await merge(byId("dialog"), state.told.rulebook, copy(state.draft), theirs, on.names);
    if (!merged) return;
    state.told = theirs;
    state.draft = merged;
    state.open.clear();
    draw();
    say(said, WORDS.merged);
    touched();
  }
}

// What the service told is shown, and the draft begins with it.
function adopt(told) {
  state.told = told;
  state.draft = copy(told.rulebook);
  state.open.clear();
  state.problems = [];
  draw();
}

function draw() {
  drawHead();
  drawViews();
  drawRules();
  byId("keep").hidden = true;
  drawKeep();
  if (state.asText) drawText();
}

function drawViews() {
  const view = (asText, word) => h("button", { class: "button", type: "button", "aria-pressed": String(state.asText === asText), onclick: () => show(asText) }, word);
  put(byId("views"), view(false, WORDS.asForm), view(true, WORDS.asText));
}

async function show(asText) {
  state.asText = asText;
  drawViews();
  byId("form").hidden = asText;
  byId("text").hidden = !asText;
  if (asText) await drawText();
}

// The other side of the same rules: the file.
async function drawText() {
  const told = state.may ? await change("POST", "/rules/check", { rulebook: state.draft }) : state.told;
  const area = h("textarea", { id: "toml", spellcheck: "false", autocomplete: "off", readonly: !state.may, "aria-label": WORDS.textLabel });
  area.value = told.toml ?? state.told.toml;
  const wrong = h("div", { class: "problems", role: "status" });
  const takeOver = async () => {
    const { problems, rulebook } = await change("POST", "/rules/check", { toml: area.value });
    put(wrong, problems.length ? [h("p", {}, WORDS.problems(problems.length)), h("ul", {}, problems.map((one) => lineOf(one, area)))] : h("p", {}, WORDS.fine));
    if (!rulebook) return;
    state.draft = rulebook;
    state.problems = [];
    state.open.clear();
    drawRules();
    drawKeep();
    say(byId("rules-said"), WORDS.takenOver);
  };
  const upload = h("input", { id: "upload", type: "file", accept: ".toml,text/plain", onchange: async (event) => { area.value = await event.target.files[0].text(); await takeOver(); } });
  put(
    byId("text"), area, wrong,
    h(
      "div", { class: "line-up" },
      state.may ? h("button", { class: "button strong", type: "button", onclick: takeOver }, WORDS.takeOver) : null,
      h("a", { class: "button", download: "rules.toml", href: `data:application/toml;charset=utf-8,${encodeURIComponent(area.value)}` }, WORDS.download),
      state.may ? h("div", {}, h("label", { for: "upload" }, WORDS.upload), upload) : null,
    ),
  );
}

function lineOf(one, area) {
  const go = () => {
    const lines = area.value.split("\n");
    const start = lines.slice(0, one.line - 1).join("\n").length + (one.line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(start, start + (lines[one.line - 1]?.length ?? 0));
  };
  const text = `${one.line ? `${WORDS.line(one.line)}: ` : ""}${one.message}`;
  return h("li", {}, one.line ? h("button", { class: "link", type: "button", onclick: go }, text) : text);
}

// The part that the address names.
async function turn() {
  const wanted = location.hash.slice(1);
  const part = TABS.includes(wanted) && (state.may || wanted !== "try") ? wanted : "rules";
  put(byId("tabs"), TABS.filter((one) => state.may || one !== "try").map((one) => h("a", { id: `tab-${one}`, href: `#${one}`, "aria-current": one === part ? "page" : null }, WORDS.tabs[one])));
  for (const one of TABS) byId(`part-${one}`).hidden = one !== part;
  if (part === "try") drawTry(byId("part-try"), { names: state.told.names, draft: () => (changed() ? state.draft : null) });
  if (part === "versions") await drawVersions(byId("part-versions"), { may: state.may, current: number(), etag, dialog: byId("dialog"), adopt: (told) => { adopt(told); return turn(); } });
  if (part === "done") await drawDone(byId("part-done"), state.may);
}

addEventListener("beforeunload", (event) => { if (state.told && state.may && changed()) event.preventDefault(); });
fillWords(WORDS);
enter(async (session) => {
  state.may = session.permissions.includes("rules");
  adopt(await ask("/rules"));
  addEventListener("hashchange", turn);
  await turn();
});
