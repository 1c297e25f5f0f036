// What rules ordered: every alert and every forward, how far it came, and what the other side answered.

import { none } from "/static/controls.js";
import { h, put, say } from "/static/dom.js";
import { moment } from "/static/formats.js";
import { ask, change } from "/static/session.js";
import { WORDS } from "/static/words.rules.js";

export async function drawDone(part, may) {
  const body = h("tbody");
  const said = h("p", { class: "said", role: "status" });
  const more = h("button", { class: "button", type: "button", hidden: true }, WORDS.older);
  const states = { "": WORDS.allStates, ...WORDS.states };
  const state = h("select", { id: "done-state", onchange: () => { put(body); load(null); } }, Object.entries(states).map(([value, word]) => h("option", { value }, word)));
  const act = (id, deed, word) => async () => {
    try {
      const told = await change("POST", `/errands/${id}/${deed}`);
      body.querySelector(`[data-errand="${id}"]`).replaceWith(row(told, may, act));
      say(said, word);
    } catch (error) {
      say(said, error.message);
    }
  };
  const load = async (cursor) => {
    const query = new URLSearchParams({ limit: "50", ...(state.value ? { state: state.value } : {}), ...(cursor ? { cursor } : {}) });
    const { items, next_cursor: next } = await ask(`/errands?${query}`);
    body.append(...items.map((one) => row(one, may, act)));
    if (!body.rows.length) put(body, none(8, WORDS.nothingOrdered));
    more.hidden = !next;
    more.onclick = () => load(next);
  };
  put(
    part,
    h(
      "section", { class: "panel", "aria-labelledby": "done-title" },
      h("h2", { id: "done-title" }, WORDS.doneTitle), h("p", { class: "quiet" }, WORDS.doneLead),
      h("div", { class: "line-up" }, h("div", {}, h("label", { for: "done-state" }, WORDS.state), state)),
      h(
        "div", { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": "done-title" },
        h("table", { class: "told" }, h("thead", {}, h("tr", {}, WORDS.doneHead.map((word) => h("th", { scope: "col" }, word)))), body),
      ),
      more, said,
    ),
  );
  await load(null);
}

function row(one, may, act) {
  const deed = (word, name, then) => h("button", { class: "button", type: "button", "aria-label": WORDS.of(word, `${one.rule}, ${one.channel}`), onclick: act(one.id, name, then) }, word);
  const open = may && (one.state === "dead" || one.state === "waiting");
  return h(
    "tr", { "data-errand": one.id },
    h("td", {}, moment(one.created_at)), h("td", {}, one.rule), h("td", {}, one.channel),
    h(
      "td", {},
      h("a", { href: `/#/series/${encodeURIComponent(one.series_id)}` }, one.kind === "alert" ? one.text : `${WORDS.forwarded}: ${one.text}`),
      one.event === "withdrawn" ? h("span", { class: "flag" }, WORDS.withdrawn) : one.replaces ? h("span", { class: "flag" }, WORDS.replaces) : null,
    ),
    h("td", {}, one.stopped ? WORDS.stopped : WORDS.states[one.state]), h("td", {}, one.attempts),
    h("td", {}, one.answer || "–", one.next_at && one.attempts && !one.stopped ? h("p", { class: "quiet" }, WORDS.nextTry(moment(one.next_at))) : null),
    h("td", {}, open ? [deed(WORDS.retry, "retry", WORDS.retried), deed(WORDS.discardOne, "discard", WORDS.discarded)] : null),
  );
}
