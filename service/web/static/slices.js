// The slices of one series: canvas, strip, slider, tools and keys; the neighbours are fetched ahead.

import * as api from "/static/api.js";
import { h, put, say } from "/static/dom.js";
import { swatch } from "/static/hatch.js";
import { Strip } from "/static/strip.js";
import { Viewer } from "/static/viewer.js";
import { percent, tenths } from "/static/formats.js";
import { WORDS } from "/static/words.js";

const AHEAD = 8; // slices fetched in the direction of the last step
const BEHIND = 2;
const CACHED = 32; // slices
const KEY_STEP = 12; // css pixels that one press of Shift + arrow is worth

export class Slices {
  constructor(looks) {
    this.looks = looks;
    this.series = null;
    this.slices = [];
    this.position = 0;
    this.heading = 1; // the direction of the last step
    this.byHand = false; // the window was set by hand
    this.moved = false; // the slice was chosen by hand, and stays chosen
    this.cache = new Map(); // position -> promise of [image, planes]
    this.element = this.build();
    this.viewer = new Viewer(this.canvas, looks);
    this.strip = new Strip(this.map, looks, (position) => this.pick(position));
    this.listen();
  }

  build() {
    this.canvas = h("canvas", { class: "picture", tabindex: 0, role: "img", "aria-label": WORDS.loading });
    this.map = h("canvas", { class: "strip", "aria-hidden": "true" });
    this.note = h("p", { class: "note", role: "status" });
    this.where = h("p", { class: "place" });
    this.here = h("ul", { class: "here" });
    this.slider = h("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": WORDS.chooseSlice });
    this.opacity = h("input", { type: "range", min: 0, max: 100, value: 70, "aria-label": WORDS.opacity });
    const button = (word, key, act) => h("button", { type: "button", class: "button", onclick: act, "aria-keyshortcuts": key }, word);
    this.look = button(WORDS.outline, "o", () => this.toggleLook());
    this.hide = button(WORDS.hide, "h", () => this.toggleHidden());
    this.hide.setAttribute("aria-pressed", "false");
    const keys = h(
      "details", { class: "keys" }, h("summary", {}, WORDS.keys),
      h("dl", {}, WORDS.keyTable.map(([key, what]) => h("div", {}, h("dt", {}, key), h("dd", {}, what)))),
    );
    return h(
      "div", { class: "slices" },
      h("div", { class: "stage" }, this.canvas, this.note),
      this.where, this.here, this.map, this.slider,
      h(
        "div", { class: "tools" },
        h("label", { class: "tool" }, h("span", {}, WORDS.opacity), this.opacity),
        this.look, this.hide,
        button(WORDS.worst, "w", () => this.worst()),
        button(WORDS.resetWindow, "r", () => this.reset()),
      ),
      keys,
    );
  }

  listen() {
    this.slider.addEventListener("input", () => this.pick(Number(this.slider.value)));
    this.opacity.addEventListener("input", () => this.viewer.set({ opacity: Number(this.opacity.value) / 100 }));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("keyup", (event) => {
      if (event.key.toLowerCase() === "h") this.conceal(false);
    });
    this.canvas.addEventListener("blur", () => this.conceal(this.hide.getAttribute("aria-pressed") === "true"));
    this.canvas.addEventListener("pointerdown", (event) => this.canvas.setPointerCapture(event.pointerId));
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) this.adjust(event.movementX, event.movementY);
    });
    this.canvas.addEventListener("wheel", (event) => {
      if (event.ctrlKey || document.activeElement !== this.canvas) return; // the page scrolls until it is chosen
      event.preventDefault();
      this.pick(this.position + Math.sign(event.deltaY));
    }, { passive: false });
  }

  // Shows another series, or the same with more slices: its worst slice, unless a person has chosen one.
  show(series, slices, artifacts) {
    if (this.series?.id !== series.id) {
      this.byHand = false;
      this.moved = false;
    }
    this.series = series;
    this.slices = slices;
    this.framed = slices.some((slice) => slice.frame > 1);
    this.cache.clear();
    this.strip.show(slices, artifacts);
    this.slider.max = String(Math.max(0, slices.length - 1));
    this.element.classList.toggle("empty", !slices.length);
    if (!slices.length) {
      this.viewer.clear();
      say(this.note, series.verdict ? WORDS.noSlicesAtAll : WORDS.noSlices);
      say(this.where, "");
      put(this.here);
      return;
    }
    this.go(this.moved ? this.position : this.worstPosition());
  }

  pick(position) {
    this.moved = true;
    this.go(position);
  }

  // From far away: to the worst slice, to that of an artifact or a metric.
  jump(position) {
    this.moved = true;
    this.go(position, "jump");
  }

  async go(wanted, how = "slice") {
    const start = performance.now();
    if (!this.slices.length) return;
    const position = Math.min(this.slices.length - 1, Math.max(0, wanted));
    const { series } = this;
    if (position !== this.position) this.heading = Math.sign(position - this.position);
    this.position = position;
    this.slider.value = String(position);
    this.strip.move(position);
    const slice = this.slices[position];
    const words = [WORDS.slice(position + 1, this.slices.length, slice.instance_number)];
    if (this.framed) words.push(WORDS.frame(slice.frame));
    if (slice.tile) words.push(WORDS.tile(slice.tile));
    if (slice.index !== null) words.push(WORDS.sliceIndex(tenths(slice.index)));
    say(this.where, words.join(" · "));
    this.slider.setAttribute("aria-valuetext", words.join(", "));
    this.describe(slice, words);
    if (!this.shows(slice)) {
      this.viewer.clear();
      say(this.note, [WORDS.sliceStates[slice.state] ?? slice.state, slice.reason].filter(Boolean).join(": "));
      return;
    }
    const waiting = setTimeout(() => say(this.note, WORDS.loading), 150);
    try {
      const [image, planes] = await this.fetch(position);
      if (this.series !== series || this.position !== position) return;
      const told = new Set(slice.findings.filter((finding) => finding.present).map((finding) => finding.artifact));
      this.viewer.awaited = [how, start];
      this.viewer.show(image, planes.filter((plane) => told.has(plane.artifact)), this.byHand);
      say(this.note, "");
      this.fetchAround(position);
    } catch (error) {
      if (this.series !== series || this.position !== position) return;
      this.cache.delete(position);
      this.viewer.clear();
      say(this.note, error.status === 410 ? WORDS.gone : WORDS.noPixels);
    } finally {
      clearTimeout(waiting);
    }
  }

  // The neighbours, nearest first; what is here already costs nothing.
  fetchAround(position) {
    for (let step = 1; step <= AHEAD; step += 1) {
      for (const next of [position + step * this.heading, ...(step <= BEHIND ? [position - step * this.heading] : [])]) {
        if (this.shows(this.slices[next])) this.fetch(next).then(([, planes]) => this.viewer.prepare(planes), () => {});
      }
    }
  }

  // Nobody has looked for a name on a slice that was not scored, and so it is not shown.
  shows(slice) {
    return Boolean(slice) && (!slice.state || slice.state === "scored");
  }

  describe(slice, words) {
    const found = slice.findings.filter((finding) => finding.present && this.looks.has(finding.artifact));
    const lines = found.map((finding) => {
      const look = this.looks.get(finding.artifact);
      return [look, WORDS.here(look.title, percent(finding.severity), percent(finding.area))];
    });
    this.canvas.setAttribute("aria-label", [...words, ...lines.map(([, line]) => line)].join(", "));
    const none = slice.index === null ? "" : WORDS.clean;
    put(this.here, lines.length ? lines.map(([look, line]) => h("li", {}, swatch(look.colour, look.order), line)) : h("li", { class: "quiet" }, none));
  }

  fetch(position) {
    const { id } = this.series;
    if (!this.cache.has(position)) {
      if (this.cache.size >= CACHED) this.cache.delete(this.cache.keys().next().value);
      const located = this.slices[position].findings.some((finding) => finding.present);
      const both = Promise.all([api.image(id, position), located ? api.masks(id, position) : []]);
      both.catch(() => this.cache.delete(position));
      this.cache.set(position, both);
    }
    return this.cache.get(position);
  }

  // One artifact alone, at its worst slice; null: all of them.
  choose(artifact, position) {
    this.viewer.set({ chosen: artifact });
    if (position !== null) this.jump(position);
  }

  worstPosition() {
    const judged = this.slices.filter((slice) => slice.index !== null && slice.signal && slice.familiar);
    const worst = judged.reduce((low, slice) => (!low || slice.index < low.index ? slice : low), null);
    return worst ? this.slices.indexOf(worst) : Math.floor(this.slices.length / 2);
  }

  worst() {
    this.jump(this.worstPosition());
  }

  adjust(dx, dy) {
    this.byHand = true;
    this.viewer.adjust(dx, dy);
  }

  reset() {
    this.byHand = false;
    this.viewer.resetWindow();
  }

  fade(by) {
    this.opacity.value = String(Number(this.opacity.value) + by);
    this.viewer.set({ opacity: Number(this.opacity.value) / 100 });
  }

  toggleLook() {
    this.viewer.set({ filled: !this.viewer.filled });
    say(this.look, this.viewer.filled ? WORDS.outline : WORDS.fill);
  }

  toggleHidden() {
    const pressed = this.hide.getAttribute("aria-pressed") !== "true";
    this.hide.setAttribute("aria-pressed", String(pressed));
    this.conceal(pressed);
  }

  conceal(hidden) {
    if (this.viewer.hidden !== hidden) this.viewer.set({ hidden });
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const act = event.shiftKey ? this.shifted(event.key) : this.plain(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  }

  plain(key) {
    return {
      ArrowLeft: () => this.pick(this.position - 1),
      ArrowUp: () => this.pick(this.position - 1),
      ArrowRight: () => this.pick(this.position + 1),
      ArrowDown: () => this.pick(this.position + 1),
      Home: () => this.pick(0),
      End: () => this.pick(this.slices.length - 1),
      w: () => this.worst(),
      o: () => this.toggleLook(),
      h: () => this.conceal(true),
      r: () => this.reset(),
      "+": () => this.fade(10),
      "-": () => this.fade(-10),
    }[key];
  }

  shifted(key) {
    return {
      ArrowLeft: () => this.adjust(-KEY_STEP, 0),
      ArrowRight: () => this.adjust(KEY_STEP, 0),
      ArrowUp: () => this.adjust(0, -KEY_STEP),
      ArrowDown: () => this.adjust(0, KEY_STEP),
      "+": () => this.fade(10),
    }[key];
  }
}
