// How the console writes shares, scores, moments and spans of time.

import { language, locale } from "/static/language.js";

const HOURS = { en: "h", de: "h" }[language];
const DAYS = { en: "d", de: "T" }[language];

export const percent = (share) => `${Math.round(share * 100)} %`;
export const tenths = (value) => (value === null ? "–" : value.toLocaleString(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }));

// A measured value: three digits that count.
export const figure = (value) => value.toLocaleString(locale, { maximumSignificantDigits: 3 });

export function clock(date) {
  return date.toLocaleTimeString(locale);
}

const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric" });

// A time of today, else with its date.
export function moment(text) {
  const date = new Date(text);
  const today = new Date().toDateString() === date.toDateString();
  return today ? clock(date) : `${day.format(date)}, ${clock(date)}`;
}

export function ago(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} ${HOURS} ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} ${DAYS}`;
}
