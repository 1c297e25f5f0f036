// The thresholds of one protocol: what is in force, what others would have said of past series, and who accepted what.

import { h, put, say } from "/static/dom.js";
import { moment, percent } from "/static/formats.js";
import { locale } from "/static/language.js";
import { ask, change } from "/static/session.js";
import { WORDS as COMMON } from "/static/words.js";
import { WORDS } from "/static/words.agreement.js";

const NAMES = [["usable_index", "usableIndex", 10, 0.25], ["repeat_index", "repeatIndex", 10, 0.25], ["repeat_suitability", "repeatSuitability", 1, 0.05]];
const SURE_MS = 5000; // within which a second press confirms

export const short = (value) => value.toLocaleString(locale, { maximumFractionDigits: 2 });
const fine = (value) => value.toLocaleString(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const share = (one) => (one.value === null ? WORDS.notKnown : `${percent(one.value)} (${percent(one.low)} – ${percent(one.high)})`);
const trio = (one) => [short(one.usable_index), short(one.repeat_index), percent(one.repeat_suitability)].join(" / ");
const same = (one, other) => NAMES.every(([name]) => one[name] === other[name]);

export class ProtocolPanel {
  // changed(protocol): it has other thresholds now
  constructor(section, changed) {
    Object.assign(this, { section, changed });
    this.may = false; // to try and accept
    this.protocol = null;
    this.trial = null;
    this.key = "";
  }

  open(protocol) {
    this.protocol = protocol;
    this.trial = null;
    this.draw();
    ask(`/protocols/${protocol.id}`).then((fresh) => {
      if (this.protocol !== protocol || this.trial) return;
      this.protocol = fresh; // with what its shadow said
      this.draw();
    }).catch(() => {});
    this.section.hidden = false;
    this.section.focus({ preventScroll: true });
    this.section.scrollIntoView();
  }

  draw(told = "") {
    const { protocol } = this;
    this.said = h("p", { class: "said", role: "status" }, told);
    this.result = h("div", {});
    put(
      this.section,
      h("h2", { id: "protocol-title" }, `${protocol.scanner}, ${protocol.description || WORDS.unknown}`),
      h("p", { class: "quiet" }, WORDS.past(protocol.past, protocol.decided)),
      h("p", {}, h("strong", {}, WORDS.inForce), `: ${trio(protocol.thresholds)} (${protocol.number ? WORDS.accepted(protocol.number) : WORDS.settings})`),
      protocol.shadow ? h("p", {}, h("strong", {}, WORDS.shadow), `: ${trio(protocol.shadow)} (${WORDS.accepted(protocol.shadow_number)})`) : null,
      this.may ? this.form() : h("p", { class: "quiet" }, WORDS.readOnly),
      this.said, this.result, this.compared(), this.history(),
    );
    if (this.trial) this.show();
  }

  form() {
    const values = this.trial?.after ?? this.protocol.thresholds;
    const inputs = NAMES.map(([name, word, most, step]) =>
      h("label", {}, WORDS[word], h("input", { type: "number", name, min: 0, max: most, step, value: values[name], required: true })),
    );
    const form = h(
      "form", { class: "trio", novalidate: true }, inputs,
      h("button", { class: "button", type: "submit" }, WORDS.try),
      h("button", { class: "button", type: "button", onclick: () => this.attempt(null) }, WORDS.suggest),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.attempt(Object.fromEntries(NAMES.map(([name]) => [name, Number(form.elements[name].value)])));
    });
    return form;
  }

  async attempt(thresholds) {
    say(this.said, WORDS.trying);
    try {
      this.trial = await change("POST", `/protocols/${this.protocol.id}/trials`, { thresholds });
      this.key = crypto.randomUUID();
      this.draw();
      this.result.querySelector("h3").focus();
    } catch (error) {
      say(this.said, error.message);
    }
  }

  show() {
    const { trial } = this;
    const { was, would } = trial;
    const rows = [
      ...NAMES.map(([name, word]) => [WORDS[word], short(trial.before[name]), short(trial.after[name])]),
      [WORDS.alertCount(trial.n_past), String(was.alerts), String(would.alerts)],
      [WORDS.repeatCount, String(was.repeats), String(would.repeats)],
      [WORDS.precision, share(was.precision), share(would.precision)],
      [WORDS.missedOf, share(was.missed), share(would.missed)],
      [WORDS.cost, fine(was.cost), fine(would.cost)],
    ];
    const { value, low, high } = trial.saves;
    const saves = low === null ? fine(value) : `${fine(value)} (${fine(low)} – ${fine(high)})`;
    const unchanged = same(trial.before, trial.after);
    put(
      this.result,
      h("h3", { tabindex: -1 }, WORDS.trialTitle),
      h(
        "div", { class: "scroll", tabindex: 0, role: "group", "aria-label": WORDS.trialTitle },
        h(
          "table", { class: "trial" },
          h("thead", {}, h("tr", {}, WORDS.trialHead.map((word) => (word ? h("th", { scope: "col" }, word) : h("td", {}))))),
          h("tbody", {}, rows.map(([word, before, after]) => h("tr", {}, h("th", { scope: "row" }, word), h("td", {}, before), h("td", {}, after)))),
        ),
      ),
      h("p", { class: "quiet" }, WORDS.measured(trial.n_decided, short(trial.miss_cost))),
      h("p", {}, h("strong", {}, unchanged ? WORDS.sameAsNow : (trial.clear ? WORDS.better : WORDS.unsure)(saves))),
      unchanged ? null : this.accepting(),
    );
  }

  accepting() {
    const why = h("input", { id: "why", type: "text", maxlength: 500, autocomplete: "off", required: true, "aria-describedby": "why-hint" });
    const accept = (lane) => this.accept({ lane, trial: this.trial.id, why: why.value }, lane === "live" ? WORDS.done : WORDS.doneShadow);
    return h(
      "form", { class: "accept", novalidate: true, onsubmit: (event) => event.preventDefault() },
      h("label", { for: "why" }, WORDS.why), why, h("p", { class: "quiet", id: "why-hint" }, WORDS.whyHint),
      h(
        "div", { class: "ways" },
        h("button", { class: "button strong", type: "button", onclick: () => accept("live") }, WORDS.acceptLive),
        h("button", { class: "button", type: "button", onclick: () => accept("shadow") }, WORDS.acceptShadow),
      ),
    );
  }

  async accept(body, word) {
    const { protocol } = this;
    try {
      const fresh = await change("POST", `/protocols/${protocol.id}/versions`, body, { "If-Match": `"${protocol.version}"`, "Idempotency-Key": this.key || crypto.randomUUID() });
      this.renew(fresh, word);
    } catch (error) {
      if (error.status === 412) this.renew(await ask(`/protocols/${protocol.id}`), WORDS.meanwhile);
      else say(this.said, error.message);
    }
  }

  renew(fresh, word) {
    this.protocol = fresh;
    this.trial = null;
    this.key = "";
    this.draw(word);
    this.changed(fresh);
  }

  compared() {
    const counts = Object.entries(this.protocol.compared);
    if (!counts.length) return null;
    return h("div", {}, h("h3", {}, WORDS.compared), h("ul", {}, counts.map(([pair, n]) => h("li", {}, WORDS.comparedOne(...pair.split(" > ").map((verdict) => COMMON.verdicts[verdict]), n)))));
  }

  history() {
    const { versions } = this.protocol;
    const rows = [...versions].reverse().map((one) =>
      h(
        "tr", {},
        h("th", { scope: "row" }, `${one.number}, ${WORDS.lanes[one.lane]}`), h("td", {}, this.what(one), h("span", { class: "quiet" }, ` ${one.model}`)),
        h("td", {}, `${one.author}, ${one.role}`), h("td", {}, h("time", { datetime: one.at }, moment(one.at))), h("td", { class: "told" }, one.why),
        h("td", { class: "deeds" }, this.may && one.thresholds && one.lane === "live" && one.number !== this.protocol.number ? this.back("live", one.number, WORDS.backTo(one.number)) : null),
      ),
    );
    return h(
      "div", {}, h("h3", {}, WORDS.history),
      rows.length
        ? h(
            "div", { class: "scroll", tabindex: 0, role: "group", "aria-label": WORDS.history },
            h("table", { class: "history" }, h("thead", {}, h("tr", {}, WORDS.historyHead.map((word) => (word ? h("th", { scope: "col" }, word) : h("td", {}))))), h("tbody", {}, rows)),
          )
        : h("p", { class: "quiet" }, WORDS.noVersions),
      h(
        "div", { class: "history-ways" },
        this.may && this.protocol.number ? this.back("live", 0, WORDS.backToSettings) : null,
        this.may && this.protocol.shadow ? this.back("shadow", 0, WORDS.endShadow) : null,
      ),
    );
  }

  what(one) {
    const values = one.thresholds ? trio(one.thresholds) : one.lane === "live" ? WORDS.settings : WORDS.shadowOff;
    return one.restores === null || one.lane === "shadow" ? values : `${values}, ${WORDS.restored(one.restores)}`;
  }

  // A second press within some seconds is the confirmation.
  back(lane, restores, word) {
    const button = h("button", { class: "button", type: "button" }, word);
    button.addEventListener("click", () => {
      if (button.dataset.sure) { this.accept({ lane, restores, why: word }, WORDS.done); return; }
      button.dataset.sure = "yes";
      say(button, WORDS.sure);
      setTimeout(() => { delete button.dataset.sure; say(button, word); }, SURE_MS);
    });
    return button;
  }
}
