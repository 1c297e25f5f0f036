// One series in review: its pictures, what the model says once that may be known, and the decision.

import * as api from "/static/api.js";
import { byId, h, put, say } from "/static/dom.js";
import { moment } from "/static/formats.js";
import { swatch } from "/static/hatch.js";
import { Slices } from "/static/slices.js";
import { ask, change } from "/static/session.js";
import { chip } from "/static/verdicts.js";
import { WORDS } from "/static/words.review.js";

const CHOICES = [["usable", "U"], ["limits", "E"], ["doubtful", "D"], ["unusable", "N"]];
const STEP = 0.02; // of the picture, that one press moves the mark
const CLICK = 4; // css pixels that a click may move
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

const percent = (share) => Math.round(share * 100);
const within = (value) => Math.min(1, Math.max(0, value));

// What the slices tell to who judges blind: that they are there.
const covered = (slice) => ({ ...slice, index: null, suitability: null, findings: [], evidence: {}, signal: true, familiar: true });

export class Case {
  // on: {session(): who judges, saved(review): it was saved}
  constructor(section, looks, on) {
    Object.assign(this, { section, looks, on });
    this.review = null;
    this.slices = null;
    this.busy = false;
    this.clear();
  }

  clear() {
    this.choice = null;
    this.mark = null;
    this.key = crypto.randomUUID();
  }

  fail(text) {
    this.review = null;
    put(this.section, h("p", { class: "empty" }, text));
  }

  async show(review) {
    const same = review !== null && this.review?.id === review.id;
    this.review = review;
    if (review === null) {
      this.fail(WORDS.choose);
      return;
    }
    if (!same) this.clear();
    this.lay();
    this.fill();
    if (!same || !this.slices) await this.load();
    this.section.dataset.shown = review.id;
  }

  lay() {
    this.slices ??= this.viewer();
    this.head = h("div", { class: "case-head" });
    this.side = h("div", { class: "decision" });
    put(this.section, this.head, h("div", { class: "case-body" }, this.slices.element, this.side));
  }

  viewer() {
    const slices = new Slices(this.looks);
    const { canvas } = slices;
    let pressed = null;
    canvas.addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; });
    canvas.addEventListener("pointerup", (event) => {
      if (!pressed || Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > CLICK) return;
      const place = slices.viewer.shareAt(event.clientX, event.clientY);
      if (place) this.put({ slice: slices.position, ...place });
    });
    // With a mark, Shift and an arrow move it; without one they set the window, as everywhere.
    canvas.addEventListener("keydown", (event) => {
      const move = event.shiftKey && this.mark ? MOVES[event.key] : null;
      if (!move) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      this.put({ slice: slices.position, x: within(this.mark.x + move[0]), y: within(this.mark.y + move[1]) });
    }, { capture: true });
    return slices;
  }

  async load() {
    const { review } = this;
    try {
      const slices = await api.slicesOf(review.series);
      if (this.review?.id !== review.id) return;
      const shown = review.hidden && !review.verdict ? slices.map(covered) : slices;
      const found = review.artifacts.filter((name) => this.looks.has(name));
      this.slices.show({ id: review.series, verdict: review.verdict }, shown, found);
    } catch {
      say(this.slices.note, WORDS.noSlices);
    }
    this.draw();
  }

  fill() {
    const { review } = this;
    put(
      this.head,
      h("h2", { id: "case-title" }, `${review.scanner}, ${WORDS.series(review.series_number)}`),
      h("p", { class: "quiet" }, review.description || WORDS.unknown),
      review.verdict ? h("a", { class: "button ways", href: `/#/series/${encodeURIComponent(review.series)}` }, WORDS.open) : null,
    );
    this.model = h("div", {});
    put(this.side, this.says(), this.form(), this.made());
    this.draw();
  }

  says() {
    const { review } = this;
    if (!review.verdict) return h("p", { class: "blind-note" }, h("span", { class: "flag" }, WORDS.hidden), WORDS.blind);
    const found = review.artifacts.map((name) => this.looks.get(name)?.title ?? name);
    return h(
      "div", { class: "model-says" },
      h("h3", {}, WORDS.modelSays), chip({ verdict: review.verdict }),
      h("p", {}, `${WORDS.modelFound}: ${found.length ? found.join(", ") : WORDS.nothingFound}`),
      h("p", { class: "quiet" }, `${WORDS.whyTitle}: ${review.why.map((why) => WORDS.why[why]).join(", ")}`),
      review.hidden ? h("p", { class: "blind-note" }, h("span", { class: "flag" }, WORDS.hidden), WORDS.unshown) : null,
    );
  }

  // In which tier the person who looks would decide; with a reason where they may not.
  turn() {
    const { review } = this;
    const session = this.on.session();
    const may = session.permissions.includes("decide");
    const standing = review.decisions.filter((one) => !one.earlier);
    const mine = standing.filter((one) => one.tier === 1).at(-1)?.author === session.name;
    const second = review.tier === 2 || (review.tier === 0 && (standing.some((one) => one.tier === 2) || (may && !mine)));
    if (!second) return { tier: 1, why: "" };
    return { tier: 2, why: !may ? WORDS.secondOnly : mine ? WORDS.notYours : "" };
  }

  form() {
    const { tier, why } = this.turn();
    if (why) return h("p", { class: "blind-note" }, why);
    this.buttons = CHOICES.map(([name, key]) =>
      h(
        "button", { class: "rating", type: "button", "data-choice": name, "aria-pressed": "false", disabled: tier === 2 && name === "doubtful", "aria-keyshortcuts": key.toLowerCase(), onclick: () => this.press(name) },
        h("kbd", { "aria-hidden": "true" }, key), h("strong", {}, WORDS.choices[name]), h("span", {}, WORDS.meaning[name]),
      ),
    );
    this.comment = h("textarea", { id: "comment", maxlength: 500, "aria-describedby": "comment-hint" });
    this.comment.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.save(); }
    });
    this.placed = h("div", { class: "placed" });
    this.button = h("button", { class: "button save", type: "button", onclick: () => this.save() }, WORDS.save);
    this.trouble = h("p", { class: "trouble", role: "alert" });
    return h(
      "form", { class: "deciding", onsubmit: (event) => event.preventDefault() },
      h("h3", {}, this.review.decisions.length ? WORDS.decideAgain : WORDS.decide),
      h("div", { class: "ratings" }, this.buttons),
      h("div", {}, h("label", { for: "comment" }, WORDS.comment), this.comment, h("p", { class: "hint", id: "comment-hint" }, WORDS.commentHint)),
      this.trouble, this.button,
      h(
        "fieldset", { class: "tags" }, h("legend", {}, WORDS.tags),
        h("div", {}, [...this.looks.values()].map((look) => h("label", { class: "tag" }, h("input", { type: "checkbox", value: look.name }), swatch(look.colour, look.order), look.title))),
      ),
      this.placed,
    );
  }

  made() {
    const { decisions } = this.review;
    if (!decisions.length) return null;
    return h("section", {}, h("h3", {}, WORDS.decisions), h("ul", { class: "made" }, decisions.map((one) => h("li", {}, this.told(one)))));
  }

  // What one person decided, as lines.
  told(one) {
    const { cursor } = one;
    return [
      h("p", {}, h("strong", {}, WORDS.choices[one.decision]), one.blind ? h("span", { class: "flag" }, WORDS.judgedBlind) : null, one.earlier ? h("span", { class: "flag" }, WORDS.earlier) : null),
      one.author ? h("p", { class: "quiet" }, `${one.author}, ${WORDS.tierOf[one.tier]}, `, h("time", { datetime: one.at }, moment(one.at))) : null,
      one.comment ? h("p", { class: "comment" }, one.comment) : null,
      one.tags.length ? h("p", {}, one.tags.map((name) => this.looks.get(name)?.title ?? name).join(", ")) : null,
      cursor ? h("p", { class: "quiet" }, WORDS.markAt(cursor.slice + 1, percent(cursor.x), percent(cursor.y))) : null,
    ];
  }

  put(mark) {
    this.mark = mark;
    this.draw();
  }

  markMiddle() {
    if (this.slices?.slices.length && this.placed) this.put({ slice: this.slices.position, x: 0.5, y: 0.5 });
    this.slices?.canvas.focus();
  }

  // The mark, and what was chosen.
  draw() {
    this.slices?.viewer.set({ mark: this.mark ? { ...this.mark, on: () => this.slices.position } : null });
    if (!this.placed?.isConnected) return;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.choice === this.choice));
    const where = this.mark ? WORDS.markAt(this.mark.slice + 1, percent(this.mark.x), percent(this.mark.y)) : WORDS.noMark;
    put(
      this.placed, h("strong", {}, WORDS.mark), h("span", { class: this.mark ? "" : "quiet" }, where),
      this.mark ? h("button", { class: "button", type: "button", onclick: () => this.put(null) }, WORDS.unmark) : null,
    );
    this.button.disabled = this.busy || this.choice === null;
  }

  // Usable is saved at once; all else wants a comment first.
  press(name) {
    if (this.busy || !this.buttons?.[0].isConnected || this.buttons.find((one) => one.dataset.choice === name).disabled) return;
    this.choice = name;
    this.draw();
    if (name === "usable") {
      this.save();
    } else if (!this.comment.value.trim()) {
      say(this.trouble, WORDS.commentFirst);
      this.comment.focus();
    }
  }

  given() {
    const tags = [...this.side.querySelectorAll(".tags input:checked")].map((input) => input.value);
    return { tier: this.turn().tier, decision: this.choice, comment: this.comment.value.trim(), tags, cursor: this.mark };
  }

  async save(version = this.review.version, given = this.given()) {
    if (this.busy || this.choice === null) return;
    this.busy = true;
    say(this.trouble, "");
    this.draw();
    try {
      const path = `/reviews/${this.review.id}/decisions`;
      const saved = await change("POST", path, given, { "If-Match": `"${version}"`, "Idempotency-Key": this.key });
      this.clear();
      this.busy = false;
      this.on.saved(saved);
    } catch (error) {
      this.busy = false;
      if (error.status === 412) await this.merge(given).catch(() => say(this.trouble, WORDS.failed));
      else say(this.trouble, error.status === 422 || error.status === 409 || error.status === 403 ? error.message : WORDS.failed);
      this.draw();
    }
  }

  // Somebody was faster: both decisions side by side, and the person says what becomes of theirs.
  async merge(given) {
    const fresh = await ask(`/reviews/${this.review.id}`);
    const theirs = fresh.decisions.at(-1);
    const dialog = byId("merge");
    const leave = () => { dialog.close(); this.clear(); this.review = null; this.show(fresh); };
    const insist = () => { dialog.close(); this.key = crypto.randomUUID(); this.save(fresh.version, given); };
    put(
      dialog,
      h("h2", { id: "merge-title" }, WORDS.mergeTitle), h("p", {}, WORDS.mergeWhy),
      h(
        "div", { class: "sides" },
        theirs ? h("div", {}, h("h3", {}, WORDS.theirs(theirs.author)), this.told(theirs)) : null,
        h("div", {}, h("h3", {}, WORDS.yours), this.told({ ...given, author: "", at: "" })),
      ),
      h(
        "div", { class: "merge-ways" },
        h("button", { class: "button", type: "button", onclick: insist }, WORDS.saveMine),
        h("button", { class: "button", type: "button", onclick: leave }, WORDS.keepTheirs),
      ),
    );
    dialog.showModal();
  }
}
