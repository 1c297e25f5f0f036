// One series in three layers: the verdict, the artifacts, and where they lie on the slices.

import { adviceOn } from "/static/advice.js";
import * as api from "/static/api.js";
import { h, put, say } from "/static/dom.js";
import { feedbackOf } from "/static/feedback.js";
import { swatch } from "/static/hatch.js";
import { flags, titleOf } from "/static/series.js";
import { evidencePart, statement } from "/static/evidence.js";
import { Identity } from "/static/identity.js";
import { Slices } from "/static/slices.js";
import { icon, verdictOf } from "/static/verdicts.js";
import { figure, moment, percent, tenths } from "/static/formats.js";
import { WORDS } from "/static/words.js";

// Everything that never changes while the page is open: asked for once.
async function background() {
  const [entries, model] = await Promise.all([api.catalogue(), api.model()]);
  return { looks: new Map(entries.map((entry, order) => [entry.name, { ...entry, order }])), model };
}

// limit: from where on it counts, as a tick on the bar.
const meter = (word, share, limit = null) =>
  h(
    "span", { class: "meter" },
    h("span", { class: "meter-name" }, word),
    h(
      "span", { class: "meter-bar", "--share": `${Math.round(share * 100)}%`, "aria-hidden": "true" },
      limit === null ? null : h("span", { class: "meter-limit", "--limit": `${Math.round(limit * 100)}%` }),
    ),
    h("span", { class: "meter-value" }, percent(share)),
  );

function nothing(series) {
  if (!series.verdict) return WORDS.noVerdict;
  return series.verdict === "Not scored" ? WORDS.notExamined : WORDS.foundNothing;
}

// The card at hand speaks only for a verdict of the same model.
const hashFor = (series, model) => (model && series.model.includes(model.sha256.slice(0, 12)) ? model.sha256 : "–");

const ranked = (artifacts) => [...artifacts].sort((a, b) => b.severity - a.severity || b.probability - a.probability);

export class Detail {
  constructor(section, again) {
    this.section = section;
    this.again = (id) => { // what failed has to be drawn, too
      this.forget();
      again(id);
    };
    this.series = null;
    this.shape = ""; // what the slices were drawn for
    this.chosen = null;
    this.parts = null;
    this.ready = null;
    this.failed = false;
    this.identity = new Identity();
    const board = new URLSearchParams(location.search).get("board"); // from which one came
    this.home = board === null ? "#" : `/board/${encodeURIComponent(board)}`;
  }

  // Who looks may be another person now.
  enter(session) {
    this.identity.allow(session);
    if (this.series) this.identity.show(this.series.id);
    this.forget();
  }

  // The next drawing is a new one, whatever was drawn before.
  forget() {
    this.drawn = null;
  }

  focus() {
    this.section.focus({ preventScroll: true });
    if (this.section.getBoundingClientRect().top > window.innerHeight / 2) this.section.scrollIntoView();
  }

  async show(series) {
    const before = this.series;
    this.series = series;
    this.identity.show(series?.id ?? null);
    if (!series) {
      this.shape = "";
      this.parts = null;
      this.section.replaceChildren(h("p", { class: "empty" }, WORDS.choose));
      return;
    }
    try {
      this.ready ??= background();
      const { looks, model } = await this.ready;
      this.model = model;
      if (this.series !== series) return;
      if (!this.parts) this.lay(looks);
      if (before?.id !== series.id) this.chosen = null;
      this.fill(series, looks, model);
      await this.load(series, looks);
    } catch {
      this.ready = null;
      this.shape = "";
      setTimeout(() => this.series === series && this.show(series), 1000);
    }
  }

  lay(looks) {
    const slices = new Slices(looks);
    this.parts = { slices, head: h("div", { class: "head" }), side: h("div", { class: "side" }), foot: h("div", { class: "foot" }) };
    this.section.replaceChildren(this.parts.head, h("div", { class: "body" }, slices.element, this.parts.side), this.parts.foot);
    this.section.onkeydown = (event) => {
      if (event.key === "Escape") location.assign(this.home);
    };
  }

  fill(series, looks, model) {
    const { head, side, foot } = this.parts;
    const key = JSON.stringify(series);
    if (this.drawn === key && head.childElementCount) return;
    this.drawn = key;
    const { kind, word } = verdictOf(series);
    const saying = head.querySelector(":focus")?.dataset.kind;
    head.className = `head ${kind}`;
    put(
      head,
      h("a", { class: "button back", href: this.home }, this.home === "#" ? WORDS.back : WORDS.backToBoard),
      h("h2", {}, icon(kind), h("span", {}, word)),
      series.index === null
        ? ""
        : h("p", { class: "head-index" }, `${WORDS.index} `, h("strong", {}, tenths(series.index)), ` ${WORDS.outOf}`),
      h("p", { class: "head-title" }, h("strong", {}, series.scanner), ` ${titleOf(series)} `, flags(series)),
      h("p", { class: "reason" }, series.reason),
      feedbackOf(series, this.again),
      h(
        "div", { class: "head-ways" },
        h("a", { class: "button", href: `/board/${encodeURIComponent(series.scanner)}` }, WORDS.boardOf(series.scanner)),
        h("a", { class: "button", href: `/study/${encodeURIComponent(series.study)}` }, WORDS.exam),
        this.identity.element,
      ),
    );
    if (saying) head.querySelector(`[data-kind="${CSS.escape(saying)}"]`)?.focus();
    this.list(series, looks, side);
    this.metrics = h("div", { class: "metrics-part" });
    put(foot, this.metrics, this.facts(series, model), h("div", { class: "pair" }, this.limits(model), this.thresholds(series, model, looks)), this.deliveries());
    this.testify();
  }

  list(series, looks, side) {
    const found = ranked(series.artifacts.filter((artifact) => artifact.present));
    const others = ranked(series.artifacts.filter((artifact) => !artifact.present));
    const known = [...series.artifacts, ...series.geometry].map(({ advice }) => advice).filter(Boolean);
    // What is of the verdict and not of an artifact: the first line may go on with how long a repeat takes.
    const general = series.advice.map((advice) => advice.slice(known.find((one) => advice.startsWith(one))?.length ?? 0).trim()).filter(Boolean);
    const focused = side.querySelector(":focus")?.dataset.artifact;
    put(
      side,
      general.length ? h("h3", {}, WORDS.whatToDo) : null,
      ...general.map((advice) => h("p", { class: "advice" }, advice)),
      h("h3", {}, WORDS.found),
      found.length
        ? h("ul", { class: "artifacts" }, found.map((artifact) => this.artifact(artifact, looks.get(artifact.name))))
        : h("p", { class: "quiet" }, nothing(series)),
      ...this.whole(series),
      others.length
        ? h(
            "details", { class: "others" }, h("summary", {}, WORDS.notFound(others.length)),
            h("ul", {}, others.map((one) => h("li", {}, looks.get(one.name)?.title ?? one.name, " ", h("span", {}, percent(one.probability))))),
          )
        : null,
    );
    this.testify();
    if (focused) side.querySelector(`[data-artifact="${CSS.escape(focused)}"]`)?.focus();
    this.press();
  }

  whole(series) {
    if (!series.geometry.length) return [];
    const facts = series.geometry.map((fact) =>
      h("li", {}, h("strong", {}, fact.title), ` ${fact.detail}`, h("p", { class: "advice" }, fact.advice)),
    );
    return [h("h3", {}, WORDS.wholeSeries), h("ul", { class: "whole" }, facts)];
  }

  // What the classical metrics say to each artifact; asked for after the rest is drawn.
  testify() {
    if (this.heard?.id !== this.series.id) return;
    for (const finding of this.heard.findings) {
      const item = this.parts.side.querySelector(`[data-artifact="${CSS.escape(finding.artifact)}"]`)?.parentElement;
      if (!item || !finding.evidence.length) continue;
      item.querySelector(".evidence")?.remove();
      item.append(h("ul", { class: "evidence" }, finding.evidence.map(statement)));
    }
    put(this.metrics, evidencePart(this.heard.evidence, (position) => this.parts.slices.jump(position)));
  }

  artifact(artifact, look) {
    const choose = () => {
      this.chosen = this.chosen === artifact.name ? null : artifact.name;
      this.parts.slices.choose(this.chosen, this.chosen ? artifact.slices[0] : null);
      this.press();
    };
    return h(
      "li", { "--hue": look?.colour },
      h(
        "button", { type: "button", class: "artifact", onclick: choose, "aria-pressed": "false", "data-artifact": artifact.name },
        look ? swatch(look.colour, look.order) : null,
        h("span", { class: "artifact-title" }, look?.title ?? artifact.name),
        h("span", { class: "artifact-slices" }, WORDS.onSlices(artifact.slices.length)),
        meter(WORDS.severity, artifact.severity),
        meter(WORDS.probability, artifact.probability, this.model?.presence[artifact.name] ?? null),
      ),
      look ? adviceOn(artifact) : null,
    );
  }

  press() {
    for (const button of this.parts.side.querySelectorAll(".artifact")) {
      button.setAttribute("aria-pressed", String(button.dataset.artifact === this.chosen));
    }
  }

  facts(series, model) {
    const why = WORDS.closeReasons[series.close_reason] ?? series.close_reason;
    const rows = [
      [WORDS.suitability, series.suitability === null ? "–" : percent(series.suitability)],
      [WORDS.scanner, series.scanner],
      [WORDS.arrived, moment(series.opened_at)],
      [WORDS.closed, series.closed_at ? [moment(series.closed_at), why ? WORDS.closedBy(why) : ""].join(" ") : "–"],
      [WORDS.received, WORDS.images(series.received, series.expected)],
      series.sampling ? [WORDS.sampling, WORDS.sampledOf(series.sampling)] : null,
      ...this.evidence(series, why),
      [WORDS.model, series.model || (model ? `${model.name} ${model.version}` : "–")],
      [WORDS.hash, h("span", { class: "hash" }, hashFor(series, model))],
      [WORDS.provider, (WORDS.providers[series.provider] ?? series.provider) || "–"],
    ];
    return h(
      "section", { class: "facts" }, h("h3", {}, WORDS.facts),
      h("dl", {}, rows.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    );
  }

  evidence({ closing, told, never_came: missing, repeats, repeated_by: repeatedBy }, why) {
    const link = (id, word) => h("a", { href: `#/series/${id}` }, word);
    return [
      closing ? [WORDS.evidence, WORDS.evidenceOf(closing, why)] : null,
      closing?.gaps.length ? [WORDS.gaps, closing.gaps.join("; ")] : null,
      told === null ? null : [WORDS.told, WORDS.toldOf(told, missing)],
      repeats ? [WORDS.repeats, link(repeats, WORDS.failedSeries)] : null,
      repeatedBy ? [WORDS.repeatedBy, link(repeatedBy, WORDS.laterSeries)] : null,
    ].filter(Boolean);
  }

  limits(model) {
    const known = model?.limits ?? [];
    return h(
      "section", { class: "limits" }, h("h3", {}, WORDS.limits),
      known.length ? h("ul", {}, known.map((limit) => h("li", {}, limit))) : h("p", {}, WORDS.noLimits),
      h("p", { class: "quiet" }, WORDS.advisory),
    );
  }

  // From where on an artifact counts and where the verdicts part: those that this series was judged by, once it was.
  thresholds({ judged_by: judged }, model, looks) {
    if (!model) return null;
    const { presence, outlier } = model;
    const verdict = judged ?? model.verdict;
    return h(
      "section", { class: "thresholds" }, h("h3", {}, WORDS.thresholds),
      h("ul", {}, WORDS.parting(verdict, percent).map((line) => h("li", {}, line)), judged ? h("li", {}, WORDS.judgedBy(judged.number)) : null, judged?.shadow ? h("li", {}, WORDS.inShadow(judged.shadow.number, WORDS.verdicts[judged.shadow.verdict], judged.shadow.reason)) : null, outlier === null ? null : h("li", {}, WORDS.outlier(figure(outlier)))),
      h(
        "details", { class: "others" }, h("summary", {}, WORDS.presenceFrom),
        h("ul", {}, Object.entries(presence).map(([name, share]) => h("li", {}, looks.get(name)?.title ?? name, " ", h("span", {}, percent(share))))),
      ),
    );
  }

  deliveries() {
    this.sent = h("div", { class: "scroll" });
    return h("section", { class: "deliveries" }, h("h3", {}, WORDS.deliveries), this.sent);
  }

  async load(series, looks) {
    const sending = api.deliveriesOf(series.id).then((items) => this.series === series && this.send(items));
    const shape = JSON.stringify([series.id, series.received, series.state, series.closed_at]);
    if (shape !== this.shape) {
      const [slices, findings] = await Promise.all([api.slicesOf(series.id), api.findingsOf(series.id)]);
      if (this.series?.id !== series.id) return;
      this.shape = shape;
      const found = ranked(series.artifacts.filter((artifact) => artifact.present)).map((artifact) => artifact.name);
      this.heard = { id: series.id, findings: findings.items, evidence: findings.evidence };
      this.testify();
      this.parts.slices.viewer.chosen = this.chosen;
      this.parts.slices.show(series, slices, found.filter((name) => looks.has(name)));
    }
    await sending;
  }

  send(items) {
    this.sent.parentElement.hidden = items === null;
    if (items === null) return;
    const cells = (one) => [
      WORDS.kinds[one.kind] ?? one.kind,
      one.destination,
      [WORDS.deliveryStates[one.state] ?? one.state, one.next_at ? WORDS.nextTry(moment(one.next_at)) : ""].filter(Boolean).join(", "),
      String(one.attempts),
      one.answer,
    ];
    if (!items.length) say(this.sent, WORDS.noDeliveries);
    else {
      this.sent.replaceChildren(
        h(
          "table", {},
          h("thead", {}, h("tr", {}, WORDS.deliveryHead.map((word) => h("th", { scope: "col" }, word)))),
          h("tbody", {}, items.map((one) => h("tr", { class: one.state }, cells(one).map((cell) => h("td", {}, cell))))),
        ),
      );
    }
  }
}
