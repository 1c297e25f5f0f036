// What the time line of an exam says.

import { speak } from "/static/language.js";

export const CATALOGUE = {
  en: {
    noExam: "There is no such exam, or nothing of it is shown here.",
    insteadOf: (name) => `Made in place of ${name}:`,
    repeatedBy: (name) => `Repeated by ${name}:`,
    toldOf: (said) => `the scanner tells of ${said}`,
    states: { "IN PROGRESS": "In progress", COMPLETED: "Completed", DISCONTINUED: "Broken off" },
    from: (time) => `since ${time}`,
    until: (time) => `until ${time}`,
    made: (series, images) => `${series} series, ${images} images as the scanner tells`,
    missing: (n) => (n === 1 ? "1 image never came" : `${n} images never came`),
    count: (n) => (n === 1 ? "1 series" : `${n} series`),
    noSteps: "The scanner tells nothing of this exam (MPPS).",
  },
  de: {
    noExam: "Diese Untersuchung gibt es nicht, oder nichts von ihr wird hier gezeigt.",
    insteadOf: (name) => `Statt ${name}:`,
    repeatedBy: (name) => `Wiederholt durch ${name}:`,
    toldOf: (said) => `laut Scanner ${said}`,
    states: { "IN PROGRESS": "Im Gang", COMPLETED: "Abgeschlossen", DISCONTINUED: "Abgebrochen" },
    from: (time) => `seit ${time}`,
    until: (time) => `bis ${time}`,
    made: (series, images) => `${series} Serien, ${images} Bilder laut Scanner`,
    missing: (n) => (n === 1 ? "1 Bild kam nie" : `${n} Bilder kamen nie`),
    count: (n) => (n === 1 ? "1 Serie" : `${n} Serien`),
    noSteps: "Der Scanner erzählt nichts von dieser Untersuchung (MPPS).",
  },
};
export const WORDS = speak(CATALOGUE);
