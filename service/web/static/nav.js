// Who is signed in and where they may go: the same in the head of every page.

import { h, put } from "/static/dom.js";
import { change } from "/static/session.js";
import { choose, fillWords, language } from "/static/language.js";
import { watch } from "/static/maintenance.js";
import { WORDS } from "/static/words.nav.js";

// [path, word, permission]; the first lot is what people come for every day, the second what keeps the house.
const DAILY = [["/", WORDS.console, "read"], ["/boards", WORDS.boards, "read"], ["/search", WORDS.search, "read"], ["/trends", WORDS.trends, "read"], ["/review", WORDS.review, "review"], ["/agreement", WORDS.agreement, "review"], ["/help", WORDS.help, "read"]];
const HOUSE = [["/deliveries", WORDS.deliveries, "deliveries"], ["/nodes", WORDS.nodes, "status"], ["/system", WORDS.system, "status"], ["/rules", WORDS.rules, "status"], ["/users", WORDS.users, "users"], ["/deid", WORDS.deid, "status"], ["/audit", WORDS.audit, "audit"], ["/api-docs", WORDS.apiDocs, "read"]];

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

function menu(session) {
  const found = links(HOUSE, session);
  if (!found.length) return null;
  const element = h("details", { class: "menu" }, h("summary", { class: "link" }, WORDS.house), h("div", { class: "sheet-of-links" }, found));
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    event.stopPropagation();
    element.open = false;
    element.querySelector("summary").focus();
  });
  element.addEventListener("focusout", (event) => {
    if (!element.contains(event.relatedTarget)) element.open = false;
  });
  return element;
}

// What a screen that belongs to one scanner comes back to.
const boardOf = ({ scanner }) => {
  const path = `/board/${encodeURIComponent(scanner)}`;
  return h("a", { class: "link", href: path, "aria-current": path === location.pathname ? "page" : null }, WORDS.board(scanner));
};

export function drawNav(element, session) {
  watch(session);
  if (session.open) {
    put(element, links(DAILY, session), menu(session), h("span", { class: "open" }, WORDS.openToAll), speaking());
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
    links(DAILY, session),
    menu(session),
    h("span", { class: "me" }, h("strong", {}, session.name), ` ${WORDS.roles[session.role]}`),
    links([["/account", WORDS.account, "own"]], session),
    h("button", { class: "link", type: "button", onclick: signOut }, WORDS.signOut),
    speaking(),
  );
}
