// The system: live or shadow, what works and waits, what is stopped, the processes, the model, the bundle for support.

import { catalogue } from "/static/api.js";
import { button, fill, mark, twice } from "/static/controls.js";
import { byId, h, put, say } from "/static/dom.js";
import { ago, moment } from "/static/formats.js";
import { fillWords, locale } from "/static/language.js";
import { enter } from "/static/nav.js";
import { look } from "/static/maintenance.js";
import { ask, change } from "/static/session.js";
import { WORDS } from "/static/words.system.js";

const RENEW_MS = 5000;
const SCORING = "scoring";
const UNITS = { score: WORDS.slices, close: WORDS.series, report: WORDS.series };
const said = byId("said");
let may = false;
let commissions = false;
let titles = new Map(); // of artifacts

const number = (value) => value.toLocaleString(locale, { maximumFractionDigits: 2 });
const gigabytes = (bytes) => (bytes / 2 ** 30).toLocaleString(locale, { maximumFractionDigits: 1 });

async function act(deed, word) {
  try {
    await deed();
    say(said, word);
  } catch (error) {
    say(said, error.message);
  }
  await draw();
  look();
}

function drawMode({ mode, file_mode: file, acceptance, to_accept: offered }) {
  const box = byId("mode");
  const accept = () => act(() => change("PUT", "/acceptance", { digest: offered.digest }), WORDS.accepted);
  const withdraw = () => act(() => change("DELETE", "/acceptance"), WORDS.withdrawn);
  const told = JSON.stringify([mode, file, acceptance, offered.digest]);
  if (box.dataset.told === told) return;
  box.dataset.told = told;
  put(
    box,
    h("p", { class: "state-word" }, mark(mode === "live" ? "good" : "shadow", mode === "live" ? WORDS.live : WORDS.shadow)),
    h("p", {}, mode === "live" ? WORDS.liveWhy : WORDS.shadowWhy),
    file === "live" ? h("p", { class: "quiet" }, WORDS.fileLive) : null,
    file === "shadow" && acceptance ? h("p", {}, WORDS.acceptedBy(acceptance.by, moment(acceptance.at))) : null,
    file === "shadow" && acceptance && !acceptance.current ? h("p", { class: "notice" }, WORDS.lapsed) : null,
    commissions && file === "shadow"
      ? mode === "live" ? twice(said, WORDS.withdraw, WORDS.mode, withdraw) : [thresholdsOf(offered.thresholds), twice(said, WORDS.accept, WORDS.mode, accept)]
      : null,
  );
}

const thresholdsOf = (values) => h("dl", { class: "facts" }, Object.entries(values).flatMap(([name, value]) => [h("dt", {}, WORDS.words[name] ?? name), h("dd", {}, number(value))]));

function drawRoom({ disk, checks }) {
  put(
    byId("room"),
    h("dl", { class: "facts" }, Object.entries(checks).flatMap(([name, value]) => [
      h("dt", {}, WORDS.checks[name] ?? name), h("dd", {}, mark(value === true ? "good" : "bad", value === true ? WORDS.fine : String(value))),
    ])),
    h("meter", { min: 0, max: disk.total, low: 2 * disk.least, high: 4 * disk.least, optimum: disk.total, value: disk.free, "aria-label": WORDS.disk }),
    h("p", { class: "quiet" }, WORDS.free(gigabytes(disk.free), gigabytes(disk.total), gigabytes(disk.least))),
  );
}

function stateOf(pause, inForce = true) {
  if (!inForce) return mark("bad", WORDS.strayed);
  if (!pause) return mark("good", WORDS.runs);
  return [mark("stopped", pause.under_way ? WORDS.draining(pause.under_way) : WORDS.stopped), h("div", { class: "small wrap" }, WORDS.stoppedBy(pause.by, moment(pause.at), pause.reason))];
}

function workRow(what, name, waits, pause, more = {}) {
  const resume = () => act(() => change("DELETE", `/pauses/${encodeURIComponent(what)}`), WORDS.resumed);
  return h(
    "tr", { "data-key": what }, h("th", { scope: "row" }, name), h("td", {}, waits), h("td", {}, more.held ?? "–"), h("td", {}, more.dead ?? "–"),
    h("td", {}, stateOf(pause, more.inForce)), h("td", { class: "deeds" }, may && pause ? button(WORDS.resume, name, resume) : null),
  );
}

function drawWork(system) {
  const pauses = new Map(system.pauses.map((one) => [one.what, one]));
  const oldest = system.oldest_waiting_s === null ? "" : ` · ${WORDS.oldest(ago(1000 * system.oldest_waiting_s))}`;
  const steps = system.queues.filter((queue) => queue.name !== "deliver").map((queue) =>
    workRow(queue.name === "score" ? SCORING : queue.name, WORDS.steps[queue.name], UNITS[queue.name](number(queue.waiting)) + (queue.name === "score" ? oldest : ""), queue.name === "score" ? pauses.get(SCORING) : undefined));
  const ways = system.destinations.map((one) => {
    const { waiting = 0, gathering = 0, uncommitted = 0, held = 0, dead = 0 } = one.outstanding;
    return workRow(`to:${one.name}`, WORDS.to(one.name), number(waiting + gathering + uncommitted), pauses.get(`to:${one.name}`), { held: number(held), dead: number(dead), inForce: one.in_force });
  });
  fill(byId("work"), [...steps, ...ways]);
  const free = [[SCORING, WORDS.scoring], ...system.destinations.filter((one) => one.in_force).map((one) => [`to:${one.name}`, WORDS.to(one.name)])].filter(([what]) => !pauses.has(what));
  const told = JSON.stringify(free);
  byId("pause").hidden = !may || !free.length;
  if (byId("what").dataset.told === told) return;
  byId("what").dataset.told = told;
  const before = byId("what").value;
  put(byId("what"), free.map(([what, name]) => h("option", { value: what, selected: what === before }, name)));
}

const partRow = (part) => h(
  "tr", {}, h("th", { scope: "row" }, part.name), h("td", {}, WORDS.kinds[part.kind] ?? part.kind), h("td", {}, part.version || "–"),
  h("td", {}, h("time", { datetime: part.since }, moment(part.since))), h("td", {}, WORDS.ago(ago(1000 * part.silent_s))),
  h("td", {}, mark(part.alive ? "good" : "bad", part.alive ? WORDS.alive : WORDS.silent)), h("td", {}, WORDS.providers[part.provider] ?? (part.provider || "–")),
);

function drawModel({ model, to_accept: accepted }) {
  if (!model) {
    put(byId("model"), h("p", { class: "quiet" }, WORDS.noModel));
    return;
  }
  const presence = Object.entries(model.presence);
  put(
    byId("model"),
    h("div", { class: "stack" },
      h("dl", { class: "facts" }, h("dt", {}, WORDS.name), h("dd", {}, `${model.name} ${model.version}`), h("dt", {}, WORDS.hash), h("dd", {}, h("code", {}, model.sha256))),
      h("h3", {}, WORDS.limits), h("ul", { class: "dots" }, model.limits.map((limit) => h("li", {}, limit)))),
    h("div", { class: "stack" },
      h("h3", {}, WORDS.thresholds), thresholdsOf(accepted.thresholds),
      presence.length ? [h("h3", {}, WORDS.presence), h("dl", { class: "facts many" }, presence.flatMap(([name, value]) => [h("dt", {}, titles.get(name) ?? name), h("dd", {}, number(value))]))] : null,
      Object.keys(model.metrics).length
        ? h("details", {}, h("summary", {}, WORDS.figures), h("dl", { class: "facts" }, Object.entries(model.metrics).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, number(value))])))
        : null),
  );
}

async function draw() {
  const system = await ask("/system");
  drawMode(system);
  drawRoom(system);
  drawWork(system);
  put(byId("parts"), system.parts.map(partRow));
  return system;
}

byId("pause").addEventListener("submit", (event) => {
  event.preventDefault();
  const reason = byId("reason").value.trim();
  if (!reason) {
    say(said, WORDS.wantsReason);
    byId("reason").focus();
    return;
  }
  act(() => change("PUT", `/pauses/${encodeURIComponent(byId("what").value)}`, { reason }), WORDS.paused).then(() => { byId("reason").value = ""; });
});

async function renew() {
  if (document.hidden) return;
  try {
    await draw();
  } catch (error) {
    say(said, error.message);
  }
}

fillWords(WORDS);
put(byId("work-head"), WORDS.workHead.map((word, at) => h("th", { scope: "col" }, at === WORDS.workHead.length - 1 ? h("span", { class: "unseen" }, word) : word)));
put(byId("parts-head"), WORDS.partsHead.map((word) => h("th", { scope: "col" }, word)));
enter(async (session) => {
  may = session.permissions.includes("operate");
  commissions = session.permissions.includes("commission");
  byId("support-panel").hidden = !may;
  if (session.permissions.includes("read")) titles = new Map((await catalogue()).map(({ name, title }) => [name, title]));
  drawModel(await draw());
  setInterval(renew, RENEW_MS);
});
