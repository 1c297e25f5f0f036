// Whether what the page shows is true now: the stream's state, the banner across the page, and the age of the last image.

import { byId, h, say } from "/static/dom.js";
import { allow } from "/static/feedback.js";
import { ago, clock } from "/static/formats.js";
import { drawNav } from "/static/nav.js";
import { showAlert } from "/static/rule.alerts.js";
import { toSignIn, whoAmI } from "/static/session.js";
import { follow } from "/static/stream.js";
import { WORDS } from "/static/words.js";

const TICK_MS = 1000;

// What such a page has in its head beside the others: there before anything is asked for.
const banner = h("div", { id: "banner", class: "banner", role: "alert", hidden: true });
const word = h("span", { id: "live-word" }, WORDS.connecting);
const live = h("p", { id: "live", class: "live", "data-state": "connecting" }, h("span", { class: "dot", "aria-hidden": "true" }), word);
const age = h("p", { id: "age", class: "age" });
const hour = h("p", { id: "clock", class: "clock" });
document.querySelector(".bar").before(banner);
byId("brand").after(live);
byId("who").after(hour);

export class Vitals {
  // scanner: whose events; "" for all. entered(session): who looks may have changed. hello(): read the lists anew.
  // event(kind, body): something happened. lastImage(): when the last image came, in ms since 1970, or null; without it
  // the page tells no age.
  constructor({ scanner = "", entered = () => {}, hello, event, lastImage = null }) {
    Object.assign(this, { entered, lastImage });
    if (lastImage) live.after(age);
    this.silentSince = null;
    this.checks = null;
    this.look();
    follow(scanner, {
      hello,
      event: (kind, body) => {
        if (kind === "notice") showAlert(body);
        event(kind, body);
      },
      heartbeat: (body) => {
        this.checks = body;
        this.warn();
      },
      lost: () => this.look(),
      state: (state, heard) => this.become(state, heard),
    });
    this.tick();
    setInterval(() => this.tick(), TICK_MS);
  }

  get silent() {
    return this.silentSince !== null;
  }

  become(state, heard) {
    this.silentSince = state === "silent" ? heard : state === "live" ? null : this.silentSince;
    live.dataset.state = state;
    if (state !== "live") this.look();
    say(word, { live: WORDS.live, connecting: WORDS.connecting, silent: WORDS.notLive }[state]);
    this.warn();
  }

  // A stream that ends may have ended because the session did.
  async look() {
    try {
      const session = await whoAmI();
      if (!session.permissions.includes("read")) toSignIn();
      drawNav(byId("who"), session);
      allow(session);
      this.entered(session);
    } catch {
      // the service does not answer: the banner says so
    }
  }

  tick() {
    const last = this.lastImage?.() ?? null;
    say(age, last === null ? WORDS.noImage : WORDS.lastImage(ago(Date.now() - last)));
    say(hour, clock(new Date()));
  }

  warn() {
    const failing = this.checks && !this.checks.ready ? Object.entries(this.checks.checks).filter(([, value]) => value !== true) : [];
    const [title, why] = this.silent
      ? [WORDS.notLive, WORDS.notLiveWhy(clock(new Date(this.silentSince)))]
      : [WORDS.notReady, failing.map(([name, value]) => (value === false ? name : `${name}: ${value}`)).join(" · ")];
    const shown = this.silent || failing.length > 0;
    const key = shown ? title + why : "";
    if (banner.dataset.key === key) return;
    banner.dataset.key = key;
    banner.className = this.silent ? "banner dead" : "banner ill";
    banner.replaceChildren(...(shown ? [h("strong", {}, title), h("span", {}, why)] : []));
    banner.hidden = !shown;
    document.body.classList.toggle("stale", this.silent);
  }
}

// When the last of some series' images came, in ms since 1970; null where there is none.
export const lastOf = (all) => all.reduce((last, series) => Math.max(last ?? 0, Date.parse(series.last_instance_at)), null);
