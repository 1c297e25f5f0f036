// What stands around the alerts of site rules.

import { speak } from "/static/language.js";

export const CATALOGUE = {
  en: {
    title: "Alerts of site rules",
    priorities: { high: "Important", medium: "Note", low: "For information" },
    withdrawn: "Taken back",
    rule: (name) => `Rule “${name}”`,
    open: "Open series",
    putAway: "Put away",
  },
  de: {
    title: "Alarme der Regeln",
    priorities: { high: "Wichtig", medium: "Hinweis", low: "Zur Kenntnis" },
    withdrawn: "Zurückgenommen",
    rule: (name) => `Regel „${name}“`,
    open: "Serie öffnen",
    putAway: "Weglegen",
  },
};
export const WORDS = speak(CATALOGUE);
