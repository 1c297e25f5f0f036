// What went wrong, in the language of the browser; the page says it in English where this does not run.

import { byId, say } from "/static/dom.js";
import { fillWords } from "/static/language.js";
import { WORDS } from "/static/words.problem.js";

fillWords(WORDS);
const known = WORDS.problems[byId("main").dataset.status];
if (known) {
  say(byId("title"), known[0]);
  say(byId("told"), known[1]);
  document.title = `${known[0]} · Scanside`;
}
