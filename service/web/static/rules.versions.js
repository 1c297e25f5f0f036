// The versions of the rules: who changed what and why, what differs, and the way back.

import { none } from "/static/controls.js";
import { h, put, say } from "/static/dom.js";
import { moment } from "/static/formats.js";
import { ask, change } from "/static/session.js";
import { WORDS } from "/static/words.rules.js";

// on: {may, current, etag(), dialog, adopt(told)}
export async function drawVersions(part, on) {
  const body = h("tbody");
  const said = h("p", { class: "said", role: "status" });
  const more = h("button", { class: "button", type: "button", hidden: true }, WORDS.older);
  const load = async (cursor) => {
    const { items, next_cursor: next } = await ask(`/rules/versions?limit=20${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    body.append(...items.map((one) => row(one, on, said)));
    more.hidden = !next;
    more.onclick = () => load(next);
  };
  put(
    part,
    h(
      "section", { class: "panel", "aria-labelledby": "versions-title" },
      h("h2", { id: "versions-title" }, WORDS.versionsTitle),
      h(
        "div", { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": "versions-title" },
        h("table", { class: "told" }, h("thead", {}, h("tr", {}, WORDS.versionsHead.map((word) => h("th", { scope: "col" }, word)))), body),
      ),
      more, said,
    ),
  );
  await load(null);
  if (!body.rows.length) put(body, none(6, WORDS.noVersion));
}

function row(version, on, said) {
  const current = version.number === on.current;
  const deed = (word, act) => h("button", { class: "button", type: "button", "aria-label": WORDS.of(word, version.number), onclick: act }, word);
  return h(
    "tr", { "data-version": version.number },
    h("th", { scope: "row" }, version.number, current ? h("span", { class: "flag" }, WORDS.current) : null),
    h("td", {}, moment(version.at)), h("td", {}, version.author), h("td", {}, version.why), h("td", {}, WORDS.origins[version.origin] ?? version.origin),
    h("td", {}, deed(WORDS.compare, () => compare(version.number, current ? version.number - 1 : version.number, on)), on.may && !current ? deed(WORDS.goBack, () => goBack(version.number, on, said)) : null),
  );
}

// A former version against what is in force; what is in force against the version before it.
async function compare(number, since, on) {
  const [newer, older] = number === on.current ? [number, since] : [on.current, number];
  const { lines } = await ask(`/rules/versions/${newer}/diff?since=${older}`);
  const shown = lines.some((one) => one.mark !== " ");
  const kinds = { "+": "plus", "-": "minus", " ": "" };
  put(
    on.dialog,
    h("h2", { id: "dialog-title", tabindex: "-1" }, WORDS.compareTitle(newer, older)),
    shown ? h("ol", { class: "diff", tabindex: "0" }, lines.map((one) => h("li", { class: kinds[one.mark] }, h("span", {}, one.mark), h("span", {}, one.text)))) : h("p", {}, WORDS.noDifference),
    h("div", { class: "line-up" }, h("button", { class: "button", type: "button", onclick: () => on.dialog.close() }, WORDS.close)),
  );
  on.dialog.showModal();
  on.dialog.querySelector("h2").focus();
}

function goBack(number, on, said) {
  const why = h("input", { id: "back-why", type: "text", maxlength: 200, autocomplete: "off" });
  const wrong = h("p", { class: "said", role: "status" });
  const go = async () => {
    if (!why.value.trim()) {
      say(wrong, WORDS.needsWhy);
      why.focus();
      return;
    }
    try {
      const told = await change("POST", `/rules/versions/${number}/restore`, { why: why.value.trim() }, on.etag());
      on.dialog.close();
      await on.adopt(told);
    } catch (error) {
      say(wrong, error.message);
    }
  };
  put(
    on.dialog,
    h("h2", { id: "dialog-title" }, WORDS.goBackTitle(number)), h("p", {}, WORDS.goBackHint),
    h("label", { for: "back-why" }, WORDS.why), why, wrong,
    h("div", { class: "line-up" }, h("button", { class: "button strong", type: "button", onclick: go }, WORDS.goBack), h("button", { class: "button", type: "button", onclick: () => on.dialog.close() }, WORDS.cancel)),
  );
  on.dialog.showModal();
  why.focus();
  say(said, "");
}
