// What the head of every page says.

import { speak } from "/static/language.js";

export const CATALOGUE = {
  en: {
    console: "Console",
    boards: "Boards",
    search: "Search",
    trends: "Trends",
    account: "My account",
    users: "Users and tokens",
    signIn: "Sign in",
    signOut: "Sign out",
    openToAll: "Open to everybody on this machine: no user is made yet",
    board: (scanner) => `board of ${scanner}`,
    pages: "Pages",
    house: "Manage",
    skip: "Skip to the page",
    language: "Deutsch",
    roles: { technologist: "technologist", physicist: "physicist", administrator: "administrator", operations: "operations" },
  },
  de: {
    console: "Konsole",
    boards: "Tafeln",
    search: "Suche",
    trends: "Verläufe",
    account: "Mein Konto",
    users: "Benutzer und Token",
    signIn: "Anmelden",
    signOut: "Abmelden",
    openToAll: "Offen für alle an diesem Rechner: noch ist kein Benutzer angelegt",
    board: (scanner) => `Tafel von ${scanner}`,
    pages: "Seiten",
    house: "Verwaltung",
    skip: "Zum Inhalt",
    language: "English",
    roles: { technologist: "MTR", physicist: "Medizinphysik", administrator: "Administration", operations: "IT-Betrieb" },
  },
};
export const WORDS = speak(CATALOGUE);
