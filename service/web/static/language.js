// In which language the console speaks: as chosen on this browser, else the browser's own, else English.

const SPOKEN = ["en", "de"];
const KEY = "scanside-language";

function chosen() {
  try {
    const kept = localStorage.getItem(KEY);
    if (SPOKEN.includes(kept)) return kept;
  } catch {
    // a browser that keeps nothing
  }
  return navigator.languages.map((one) => one.slice(0, 2)).find((one) => SPOKEN.includes(one)) ?? "en";
}

export const language = chosen();
export const locale = { en: "en-GB", de: "de-DE" }[language];
document.documentElement.lang = language;

export function choose(other) {
  localStorage.setItem(KEY, other);
  location.reload();
}

// A catalogue holds the same words in every language: {en: {...}, de: {...}}.
export const speak = (catalogue) => catalogue[language];

// An answer of the service tells its words in English, and the same fields in other languages under their names: give
// it as this page speaks.
export function inOwnWords(answer) {
  if (answer === null || typeof answer !== "object") return answer;
  if (Array.isArray(answer)) return answer.map(inOwnWords);
  const told = Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, inOwnWords(value)]));
  const own = told[language];
  return own && typeof own === "object" && Object.keys(own).every((name) => name in told) ? { ...told, ...own } : told;
}

// Static text: `data-word` names the word of an element, `data-label` that of its accessible name. The page is called
// what its heading says.
export function fillWords(words) {
  for (const element of document.querySelectorAll("[data-word]")) {
    const word = words[element.dataset.word];
    if (typeof word !== "string") continue;
    element.textContent = word;
    if (element.matches("h1")) document.title = `${word} · Scanside`;
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    const word = words[element.dataset.label];
    if (typeof word === "string") element.setAttribute("aria-label", word);
  }
}
