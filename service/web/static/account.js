// One's own account: the password, and the browsers in which one is signed in.

import { byId, h, put, say } from "/static/dom.js";
import { enter } from "/static/nav.js";
import { ask, change, whoAmI } from "/static/session.js";
import { moment } from "/static/formats.js";
import { fillWords } from "/static/language.js";
import { WORDS } from "/static/words.access.js";
import { WORDS as NAV } from "/static/words.nav.js";

fillWords(WORDS);

const FIELDS = ["current", "new", "again"];

function row(session) {
  const end = h("button", { class: "button", type: "button", onclick: () => endOne(session.id) }, WORDS.end);
  return h(
    "tr", {},
    h("td", {}, session.address, session.this ? h("span", { class: "flag" }, WORDS.thisBrowser) : null),
    h("td", {}, moment(session.created_at)),
    h("td", {}, moment(session.active_at)),
    h("td", {}, session.this ? null : end),
  );
}

async function draw(session) {
  say(byId("summary"), WORDS.signedInAs(session.name, NAV.roles[session.role], moment(session.ends_at)));
  byId("user-name").value = session.name;
  byId("temporary").hidden = !session.temporary;
  byId("sessions-section").hidden = session.temporary;
  const { items } = await ask("/account/sessions");
  put(byId("sessions"), items.map(row));
}

async function endOne(id) {
  try {
    await change("DELETE", `/account/sessions/${id}`);
    say(byId("sessions-said"), WORDS.ended);
    byId("sessions-title").scrollIntoView({ block: "nearest" });
    await draw(await whoAmI());
  } catch (error) {
    say(byId("sessions-said"), error.message);
  }
}

byId("everywhere").addEventListener("click", async () => {
  try {
    await change("DELETE", "/account/sessions");
    location.assign("/login");
  } catch (error) {
    say(byId("sessions-said"), error.message);
  }
});

byId("password-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = byId("password-said");
  const [current, fresh, again] = FIELDS.map((name) => byId(name));
  const wrong = FIELDS.map(byId).find((input) => !input.value) ?? (fresh.value === again.value ? null : again);
  if (wrong) {
    say(said, wrong.value ? WORDS.differ : WORDS.fillIn);
    wrong.focus();
    return;
  }
  try {
    const before = await whoAmI();
    await change("PUT", "/account/password", { current: current.value, new: fresh.value });
    for (const name of FIELDS) byId(name).value = "";
    if (before.temporary) location.assign("/");
    say(said, WORDS.passwordChanged);
    await draw(await whoAmI());
  } catch (error) {
    say(said, error.message);
    current.focus();
  }
});

enter(draw);
