// Users and tokens, for the administrator. What is secret is shown once, above all else.

import { button, fill, none, twice } from "/static/controls.js";
import { byId, h, put, say } from "/static/dom.js";
import { enter } from "/static/nav.js";
import { ask, change } from "/static/session.js";
import { moment } from "/static/formats.js";
import { fillWords } from "/static/language.js";
import { WORDS } from "/static/words.access.js";
import { WORDS as NAV } from "/static/words.nav.js";

fillWords(WORDS);

const ROLES = ["technologist", "physicist", "radiologist", "operations", "administrator"];
let me = "";
let boardScopes = [];

const when = (text) => (text === null ? WORDS.never : moment(text));
const options = (chosen) => ROLES.map((role) => h("option", { value: role, selected: role === chosen }, NAV.roles[role]));

function showOnce(title, secret) {
  const once = byId("once");
  put(
    once, h("h2", {}, title), h("p", {}, WORDS.shownOnce), h("p", { class: "secret" }, h("code", {}, secret)),
    h("button", { class: "button", type: "button", onclick: () => { put(once); once.hidden = true; } }, WORDS.noted),
  );
  once.hidden = false;
  once.focus();
}

// Does something, says how it went, and draws the lists anew.
async function act(said, deed, word) {
  try {
    const told = await deed();
    say(said, word);
    await draw();
    return told;
  } catch (error) {
    say(said, error.message);
    await draw();
    return null;
  }
}

function userRow(user) {
  const said = byId("users-said");
  const path = `/users/${encodeURIComponent(user.name)}`;
  const alter = (body, word) => act(said, () => change("PATCH", path, body), word);
  // Arrow keys change a select at once: a role is given by the button beside it.
  const give = button(WORDS.giveRole, user.name, () => alter({ role: role.value }, WORDS.roleChanged(user.name, NAV.roles[role.value])));
  give.hidden = true;
  const role = h(
    "select", { disabled: user.name === me, "aria-label": WORDS.roleOf(user.name), onchange: () => { give.hidden = role.value === user.role; } },
    options(user.role),
  );
  const state = user.locked ? WORDS.locked : user.temporary ? WORDS.temporaryPassword : WORDS.maySignIn;
  const fresh = async () => {
    const told = await act(said, () => change("POST", `${path}/password`), WORDS.passwordGiven(user.name));
    if (told) showOnce(WORDS.passwordOf(user.name), told.password);
  };
  return h(
    "tr", { "data-key": user.name },
    h("th", { scope: "row" }, user.name, user.name === me ? h("span", { class: "flag" }, WORDS.you) : null),
    h("td", {}, role, " ", give), h("td", {}, state), h("td", {}, when(user.seen_at)),
    h(
      "td", { class: "deeds" },
      user.name === me ? null : [
        button(user.locked ? WORDS.unlock : WORDS.lock, user.name, () => alter({ locked: !user.locked }, user.locked ? WORDS.unlocked(user.name) : WORDS.lockedOut(user.name))),
        twice(said, WORDS.newPassword, user.name, fresh),
        twice(said, WORDS.remove, user.name, () => act(said, () => change("DELETE", path), WORDS.removed(user.name))),
      ],
    ),
  );
}

function tokenRow(token) {
  const said = byId("tokens-said");
  const deed = () => act(said, () => change("DELETE", `/tokens/${encodeURIComponent(token.name)}`), WORDS.revoked(token.name));
  return h(
    "tr", { "data-key": token.name },
    h("th", { scope: "row" }, token.name), h("td", {}, token.scopes.join(", ")), h("td", {}, token.scanner || WORDS.all),
    h("td", {}, when(token.expires_at)), h("td", {}, when(token.used_at)),
    h("td", { class: "deeds" }, twice(said, WORDS.revoke, token.name, deed)),
  );
}

function drawScopes(scopes) {
  const box = byId("token-scopes");
  if (box.children.length) return;
  put(box, scopes.map((scope) => h("label", { class: "choice" }, h("input", { type: "checkbox", value: scope }), h("span", {}, h("strong", {}, scope), ` ${WORDS.scopes[scope] ?? ""}`))));
  narrow();
}

// The token of a board cannot be for what shows other scanners.
function narrow() {
  const board = byId("token-scanner").value.trim() !== "";
  for (const input of byId("token-scopes").querySelectorAll("input")) {
    input.disabled = board && !boardScopes.includes(input.value);
    if (input.disabled) input.checked = false;
    else if (board && input.value === "read") input.checked = true;
  }
}

async function draw() {
  const [users, tokens] = await Promise.all([ask("/users"), ask("/tokens")]);
  boardScopes = tokens.board_scopes;
  drawScopes(tokens.scopes);
  fill(byId("users"), users.items.map(userRow));
  fill(byId("tokens"), tokens.items.length ? tokens.items.map(tokenRow) : none(6, WORDS.noTokens));
}

byId("new-user").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [name, role] = [byId("user-name").value.trim(), byId("user-role").value];
  const told = await act(byId("users-said"), () => change("POST", "/users", { name, role }), WORDS.added(name));
  if (!told) return;
  byId("user-name").value = "";
  showOnce(WORDS.passwordOf(told.user.name), told.password);
});

byId("new-token").addEventListener("submit", async (event) => {
  event.preventDefault();
  const scopes = [...byId("token-scopes").querySelectorAll("input:checked")].map((input) => input.value);
  const days = byId("token-days").value;
  const body = { name: byId("token-name").value.trim(), scanner: byId("token-scanner").value.trim(), scopes, days: days ? Number(days) : null };
  const told = await act(byId("tokens-said"), () => change("POST", "/tokens", body), WORDS.issued(body.name));
  if (!told) return;
  event.target.reset();
  narrow();
  showOnce(WORDS.tokenOf(told.token.name), told.secret);
});

byId("token-scanner").addEventListener("input", narrow);
put(byId("user-role"), options("technologist"));
enter(async (session) => {
  me = session.name;
  await draw();
});
