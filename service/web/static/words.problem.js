// What people read in place of a page that they cannot have.

import { speak } from "/static/language.js";

export const CATALOGUE = {
  en: {
    home: "To the console",
    signIn: "Sign in as somebody else",
    help: "Help",
    number: "Number of this request, for the log:",
    problems: {
      403: ["Not for this account", "This page needs somebody with other rights. Whoever gives out accounts can say who that is."],
      404: ["There is no such page", "The address may be mistyped, or what it showed is gone."],
      500: ["Something failed here", "The log of the service says why. Images still come in and results still leave, unless the console says otherwise."],
      503: ["The database does not answer", "Try again in some seconds. If it stays so, tell IT."],
    },
  },
  de: {
    home: "Zur Konsole",
    signIn: "Als jemand anderes anmelden",
    help: "Hilfe",
    number: "Nummer dieser Anfrage, für das Log:",
    problems: {
      403: ["Nicht für dieses Konto", "Diese Seite braucht jemanden mit anderen Rechten. Wer die Konten vergibt, kann sagen, wer das ist."],
      404: ["Diese Seite gibt es nicht", "Vielleicht ist die Adresse vertippt, oder was sie zeigte, ist fort."],
      500: ["Hier ist etwas schiefgegangen", "Das Log des Dienstes sagt, warum. Bilder kommen weiter herein und Ergebnisse gehen weiter hinaus, sofern die Konsole nichts anderes sagt."],
      503: ["Die Datenbank antwortet nicht", "Versuchen Sie es in einigen Sekunden wieder. Bleibt es so, verständigen Sie die IT."],
    },
  },
};
export const WORDS = speak(CATALOGUE);
