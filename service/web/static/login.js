// Signing in: as a person, or as the board of one scanner.

import { byId, say } from "/static/dom.js";
import { change, whoAmI } from "/static/session.js";
import { fillWords } from "/static/language.js";
import { WORDS } from "/static/words.access.js";

// Only a path of ours; anything else begins at the console.
function next(session) {
  if (session.temporary) return "/account";
  const home = session.scanner ? `/board/${encodeURIComponent(session.scanner)}` : "/";
  const wanted = new URLSearchParams(location.search).get("next") ?? home;
  return (/^\/([a-z-]+(\/[^/\\?#]+)?)?$/.test(wanted) && !["/", "/login"].includes(wanted) ? wanted : home) + location.hash;
}

function wire(form, said, body) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const missing = [...form.querySelectorAll("input")].find((input) => !input.value);
    if (missing) {
      say(said, WORDS.fillIn);
      missing.focus();
      return;
    }
    const button = form.querySelector("button");
    button.disabled = true;
    say(said, "");
    try {
      location.replace(next(await change("POST", "/session", body())));
    } catch (error) {
      say(said, error.status === 401 || error.status === 429 ? error.message : WORDS.failed);
      button.disabled = false;
      const secret = form.querySelector("input[type=password]");
      secret.value = "";
      secret.focus();
    }
  });
}

fillWords(WORDS);
wire(byId("person"), byId("person-said"), () => ({ name: byId("name").value, password: byId("password").value }));
wire(byId("board"), byId("board-said"), () => ({ token: byId("token").value.trim() }));

// Whoever came by a link from elsewhere is signed in already: the cookie was only not sent along. This page itself
// is open to somebody else, too: in place of a board, a person may sign in.
if (new URLSearchParams(location.search).has("next")) {
  whoAmI().then((session) => { if (session.signed_in) location.replace(next(session)); }, () => {});
}
