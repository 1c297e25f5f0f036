// Who is signed in and where they may go: the same in the head of every page.

import { h, put } from "/static/dom.js";
import { change } from "/static/session.js";
import { WORDS } from "/static/words.js";

const PAGES = [["/", WORDS.console, "read"], ["/account", WORDS.account, "own"], ["/users", WORDS.users, "users"]];

async function signOut() {
  try {
    await change("DELETE", "/session");
  } finally {
    location.assign("/login");
  }
}

export function drawNav(element, session) {
  if (session.open) {
    put(element, h("span", { class: "open" }, WORDS.openToAll));
    return;
  }
  if (!session.signed_in) {
    put(element, h("a", { class: "link", href: "/login" }, WORDS.signIn));
    return;
  }
  const here = location.pathname;
  const links = PAGES.filter(([, , needs]) => session.permissions.includes(needs));
  put(
    element,
    h("span", { class: "me" }, h("strong", {}, session.name), ` ${session.role || WORDS.board(session.scanner)}`),
    session.role
      ? links.map(([path, word]) => h("a", { class: "link", href: path, "aria-current": path === here ? "page" : null }, word))
      : null,
    session.role ? h("button", { class: "link", type: "button", onclick: signOut }, WORDS.signOut) : null,
  );
}
