// Every scanner with its newest verdict; each leads to its board.

import { scanners } from "/static/api.js";
import { byId, h, put } from "/static/dom.js";
import { ago } from "/static/formats.js";
import { fillWords } from "/static/language.js";
import { chip } from "/static/verdicts.js";
import { Vitals } from "/static/vitals.js";
import { WORDS as COMMON } from "/static/words.js";
import { WORDS } from "/static/words.board.js";

const PAUSE_MS = 1000; // between two questions, however much happens

let all = null;
let waiting = false;

async function read() {
  if (waiting) return;
  waiting = true;
  try {
    all = await scanners();
    draw();
  } catch {
    // the banner says what is wrong; the stream's next hello asks again
  }
  setTimeout(() => { waiting = false; }, PAUSE_MS);
}

const age = ({ last_instance_at: last }) => (last ? WORDS.lastImageAt(ago(Date.now() - Date.parse(last))) : WORDS.nothingYet);

function draw() {
  if (!all) return;
  const focused = document.activeElement?.getAttribute("href");
  put(byId("boards"), ...all.map((one) => h(
    "li", {},
    h(
      "a", { class: "card", href: `/board/${encodeURIComponent(one.name)}` },
      h("strong", {}, one.name),
      one.verdict ? chip({ verdict: one.verdict }) : h("span", { class: "quiet" }, COMMON.noVerdict),
      h("span", { class: "quiet" }, [age(one), one.open ? COMMON.waiting(one.open) : ""].filter(Boolean).join(" · ")),
    ),
  )), all.length ? null : h("li", { class: "empty" }, WORDS.noBoards));
  if (focused) byId("boards").querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
}

fillWords(COMMON);
fillWords(WORDS);
new Vitals({ hello: read, event: () => setTimeout(read, PAUSE_MS) });
setInterval(draw, PAUSE_MS * 5);
