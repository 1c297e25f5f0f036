// Whose images these are: told after a click that goes on record, shown until the page or the series is left.

import { h, put } from "/static/dom.js";
import { change } from "/static/session.js";
import { WORDS } from "/static/words.js";

// A person name (PS3.5, 6.2.1) as people write it: family name first, each group of characters by itself.
const asPeopleWrite = (name) =>
  name.split("=").map((group) => {
    const [family = "", given = "", middle = "", prefix = "", suffix = ""] = group.split("^").map((part) => part.trim());
    const rest = [prefix, given, middle, suffix].filter(Boolean).join(" ");
    return [family, rest].filter(Boolean).join(", ");
  }).filter(Boolean).join(" · ");

export class Identity {
  constructor() {
    this.element = h("div", { class: "identity" });
    this.id = null;
    this.may = false;
    addEventListener("pagehide", () => this.show(null)); // a page that the browser keeps must not keep the name
  }

  // Whether who looks may ask.
  allow(session) {
    this.may = session.permissions.includes("identity");
    this.show(null);
  }

  // Nothing that was told of another series stays.
  show(id) {
    if (id !== null && id === this.id) return;
    this.id = id;
    put(this.element, this.may && id !== null ? this.button() : null);
  }

  button() {
    return h("button", { type: "button", class: "button", onclick: () => this.ask() }, WORDS.whose);
  }

  async ask() {
    const { id } = this;
    let told;
    try {
      const { name, number } = await change("POST", `/series/${encodeURIComponent(id)}/identity`);
      told = [h("strong", {}, asPeopleWrite(name) || WORDS.nameless), h("span", {}, WORDS.patientId(number)), h("span", { class: "quiet" }, WORDS.onRecord)];
    } catch (error) {
      told = [h("span", {}, error.message), this.button()];
    }
    if (this.id !== id) return;
    const line = h("p", { class: "patient", tabindex: -1, role: "status" }, told);
    put(this.element, line);
    line.focus();
  }
}
