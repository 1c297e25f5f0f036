// What the page of the API says around its description, which is in English.

import { speak } from "/static/language.js";

export const CATALOGUE = {
  en: {
    title: "The API",
    about: "How to ask",
    how: [
      "Programs send a token as Authorization: Bearer …; an administrator issues them on the page of users and tokens, each for what it needs.",
      "Errors are problem details (RFC 9457). Lists come in pages: the Link header says where the next one is. What two people may change at once carries an ETag, which If-Match repeats. An Idempotency-Key makes a repeated request count once.",
    ],
    file: "The same as a file for programs (OpenAPI)",
    find: "Find an operation",
    shown: (n, of) => `${n} of ${of} operations`,
    needs: (scopes) => `needs ${scopes}`,
    everybody: "for everybody",
    parameters: "Parameters",
    body: "Body of the request",
    answers: "Answers",
    name: "Name",
    place: "Where",
    kind: "Kind",
    meaning: "Meaning",
    must: "needed",
  },
  de: {
    title: "Die API",
    about: "Wie man fragt",
    how: [
      "Programme senden ein Token als Authorization: Bearer …; die Administration stellt sie auf der Seite der Benutzer und Token aus, jedes für das, was es braucht.",
      "Fehler sind Problembeschreibungen (RFC 9457). Listen kommen seitenweise: Der Link-Header sagt, wo die nächste Seite ist. Was zwei Menschen zugleich ändern könnten, trägt ein ETag, das If-Match wiederholt. Mit einem Idempotency-Key zählt eine wiederholte Anfrage einmal.",
    ],
    file: "Dasselbe als Datei für Programme (OpenAPI)",
    find: "Operation suchen",
    shown: (n, of) => `${n} von ${of} Operationen`,
    needs: (scopes) => `braucht ${scopes}`,
    everybody: "für alle",
    parameters: "Parameter",
    body: "Inhalt der Anfrage",
    answers: "Antworten",
    name: "Name",
    place: "Wo",
    kind: "Art",
    meaning: "Bedeutung",
    must: "nötig",
  },
};
export const WORDS = speak(CATALOGUE);
