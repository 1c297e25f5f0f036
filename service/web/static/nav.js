// Who is signed in and where they may go: the same in the head of every page.
//
// A script wires whatever stands in its page's HTML in its first turn, before it waits for anything: what is seen works.
// What hangs on who looks, or on what the service tells, is hidden in the HTML until that is known.

import { byId, h, put } from "/static/dom.js";
import { change, whoAmI } from "/static/session.js";
import { choose, fillWords, language } from "/static/language.js";
import { watch } from "/static/maintenance.js";
import { WORDS } from "/static/words.nav.js";

// [path, word, permission]. What people come for every day stands in the head, the rest in the menu: what is looked up,
// then what keeps the house. Where the head is narrow the menu has all of it.
const DAILY = [["/", WORDS.console, "read"], ["/boards", WORDS.boards, "read"], ["/search", WORDS.search, "read"], ["/trends", WORDS.trends, "read"], ["/review", WORDS.review, "review"]];
const MORE = [["/agreement", WORDS.agreement, "review"], ["/help", WORDS.help, "read"], ["/api-docs", WORDS.apiDocs, "read"]];
const HOUSE = [["/deliveries", WORDS.deliveries, "deliveries"], ["/nodes", WORDS.nodes, "status"], ["/system", WORDS.system, "status"], ["/rules", WORDS.rules, "status"], ["/users", WORDS.users, "users"], ["/deid", WORDS.deid, "status"], ["/audit", WORDS.audit, "audit"]];

fillWords(WORDS);

async function signOut() {
  try {
    await change("DELETE", "/session");
  } finally {
    location.assign("/login");
  }
}

const speaking = () =>
  h("button", { class: "link", type: "button", lang: language === "en" ? "de" : "en", onclick: () => choose(language === "en" ? "de" : "en") }, WORDS.language);

const links = (pages, session) =>
  pages
    .filter(([, , needs]) => session.permissions.includes(needs))
    .map(([path, word]) => h("a", { class: "link", href: path, "aria-current": path === location.pathname ? "page" : null }, word));

// Opened by click, touch or key; closed by Escape and by whatever is done elsewhere.
function menu(word, ...inside) {
  const element = h("details", { class: "menu" }, h("summary", { class: "link" }, word), h("div", { class: "sheet-of-links" }, inside));
  const close = (target) => {
    if (target && !element.contains(target)) element.open = false;
  };
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    event.stopPropagation();
    element.open = false;
    element.querySelector("summary").focus();
  });
  element.addEventListener("focusout", (event) => close(event.relatedTarget)); // null: a touch that gives no focus
  document.addEventListener("pointerdown", (event) => close(event.target));
  return element;
}

const group = (name, pages, session) => {
  const found = links(pages, session);
  return found.length ? h("div", { class: name }, found) : null;
};

const pagesOf = (session) => [
  h("div", { class: "daily" }, links(DAILY, session)),
  menu(WORDS.menu, group("group everyday", DAILY, session), group("group", MORE, session), group("group", HOUSE, session)),
];

// What a screen that belongs to one scanner comes back to.
const boardOf = ({ scanner }) => {
  const path = `/board/${encodeURIComponent(scanner)}`;
  return h("a", { class: "link", href: path, "aria-current": path === location.pathname ? "page" : null }, WORDS.board(scanner));
};

export function drawNav(element, session) {
  watch(session);
  if (session.open) {
    put(element, ...pagesOf(session), h("span", { class: "open" }, WORDS.openToAll), speaking());
    return;
  }
  if (!session.signed_in) {
    put(element, h("a", { class: "link", href: "/login" }, WORDS.signIn), speaking());
    return;
  }
  if (!session.role) {
    put(element, h("span", { class: "me" }, h("strong", {}, session.name)), boardOf(session), speaking());
    return;
  }
  put(
    element,
    ...pagesOf(session),
    menu(
      h("strong", {}, session.name),
      h("p", { class: "role" }, ` ${WORDS.roles[session.role]}`),
      links([["/account", WORDS.account, "own"]], session),
      h("button", { class: "link", type: "button", onclick: signOut }, WORDS.signOut),
      speaking(),
    ),
  );
}

// Asks who looks, draws the head, then what the page shows. A page that cannot be shown says so.
export async function enter(draw = () => {}) {
  try {
    const session = await whoAmI();
    drawNav(byId("who"), session);
    await draw(session);
  } catch (error) {
    byId("main").prepend(h("p", { class: "notice bad", role: "alert" }, WORDS.failed(error.message)));
  }
}
