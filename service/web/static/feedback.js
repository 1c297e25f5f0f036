// What people said to a verdict, and the buttons to say something; a request that is sent twice counts once.

import { h } from "/static/dom.js";
import { change } from "/static/session.js";
import { moment } from "/static/formats.js";
import { WORDS } from "/static/words.js";

const KINDS = ["acknowledged", "agreed", "repeated", "accepted", "wrong alarm", "aborted"];
let may = false;
let draft = { id: null, text: "" }; // a remark that is being written: it outlives a new drawing
let trouble = { id: null, said: "" }; // of the series at which saying something failed

export const allow = (session) => { may = session.permissions.includes("feedback"); };

const line = ({ kind, author, role, at, earlier, comment }) =>
  h("li", {}, h("strong", {}, WORDS.said[kind]), ` ${author}, ${role}, `, h("time", { datetime: at }, moment(at)), comment ? h("q", { class: "comment" }, comment) : null, earlier ? h("span", { class: "flag" }, WORDS.earlierVerdict) : null);

// again: called with the series' id when it has to be asked for anew.
async function say(series, kind, comment, again) {
  trouble = { id: null, said: "" };
  try {
    await change("POST", `/series/${encodeURIComponent(series.id)}/feedback`, { kind, comment }, {
      "If-Match": `"${series.feedback_version}"`,
      "Idempotency-Key": crypto.randomUUID(),
    });
    draft = { id: null, text: "" };
  } catch (error) {
    trouble = { id: series.id, said: error.status === 412 ? WORDS.saidMeanwhile : error.message };
  }
  again(series.id);
}

export function feedbackOf(series, again) {
  const comment = h("input", { type: "text", class: "remark", maxlength: 500, autocomplete: "off", "data-kind": "remark", value: draft.id === series.id ? draft.text : "", "aria-label": WORDS.remark, placeholder: WORDS.remarkHint });
  comment.addEventListener("input", () => { draft = { id: series.id, text: comment.value }; });
  if (!series.verdict || (!may && !series.feedback.length)) return null;
  return h(
    "section", { class: "feedback", "aria-label": WORDS.feedback },
    series.feedback.length ? h("ul", { class: "sayings" }, series.feedback.map(line)) : null,
    may
      ? h(
          "div", { class: "saying" },
          KINDS.map((kind) => h("button", { class: "button", type: "button", "data-kind": kind, onclick: () => say(series, kind, comment.value.trim(), again) }, WORDS.saying[kind])),
          comment,
        )
      : null,
    h("p", { class: "said", role: "status" }, trouble.id === series.id ? trouble.said : ""),
  );
}
