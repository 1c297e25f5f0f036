// What stands under the head of every page while nothing leaves, or something is stopped.

export const CATALOGUE = {
  en: {
    shadow: "SHADOW MODE",
    shadowWhy: "Series are scored and shown; nothing is sent.",
    scoring: "SCORING IS STOPPED",
    to: (name) => `SENDING TO ${name} IS STOPPED`,
    since: (by, at, reason) => `${by}, ${at}: ${reason}`,
  },
  de: {
    shadow: "SCHATTENBETRIEB",
    shadowWhy: "Serien werden bewertet und gezeigt; nichts wird gesendet.",
    scoring: "DIE BEWERTUNG STEHT",
    to: (name) => `DER VERSAND AN ${name} STEHT`,
    since: (by, at, reason) => `${by}, ${at}: ${reason}`,
  },
};
