// Trends, for the physicist: what is measured over time, which limits it leaves, what drifts.

import { controlChart, dayWord, shareChart } from "/static/chart.js";
import { byId, h, put, say } from "/static/dom.js";
import { figure, percent } from "/static/formats.js";
import { fillWords, locale } from "/static/language.js";
import { enter } from "/static/nav.js";
import { ask } from "/static/session.js";
import { WORDS } from "/static/words.trends.js";

const FIELDS = ["measure", "scanner", "protocol", "coil", "since", "until", "by", "baseline_since", "baseline_until"];
const USUAL = { measure: "index", by: "day" };
const VERDICTS = ["Usable", "Check", "Repeat", "Not scored"];
const MOST_RULES = 12;
const day = (text) => new Date(text).toLocaleDateString(locale, { day: "numeric", month: "short", year: "numeric" });
const count = (n) => n.toLocaleString(locale);

let choices = null;
let asked = 0;
let mayExport = false;
let judged = null; // series of what is shown

const option = (value, word, chosen) => h("option", { value, selected: value === chosen }, word);
const titled = ({ group, of, title }) => (group === "score" ? WORDS.scores[of] : group === "verdict" ? WORDS.verdictNames[of] : title);
const named = (measure) => (["score", "metric"].includes(measure.group) ? titled(measure) : `${WORDS.groups[measure.group]}: ${titled(measure)}`);
const writer = ({ summary, unit, upper }) => (summary === "share" || upper === 1 ? (value) => `${(100 * value).toLocaleString(locale, { maximumFractionDigits: 1 })} %` : (value) => [figure(value), unit === "1" ? "" : unit].filter(Boolean).join(" "));

// A year up to today, where the address says nothing.
function chosen() {
  const given = Object.fromEntries(new URLSearchParams(location.search));
  const yearAgo = new Date();
  yearAgo.setFullYear(yearAgo.getFullYear() - 1);
  return { ...USUAL, since: yearAgo.toISOString().slice(0, 10), ...given };
}

function query(values, names = FIELDS) {
  const told = new URLSearchParams();
  for (const name of names) if (values[name]) told.set(name, values[name]);
  return told;
}

// What the form says; a list that is still to come leaves what the address says.
const read = () => ({ ...chosen(), ...Object.fromEntries(FIELDS.map(byId).filter(({ options }) => options?.length !== 0).map(({ id, value }) => [id, value])) });

// Protocols and coils of the scanner that is chosen, most series first.
function narrowed(values, key) {
  const counted = new Map();
  for (const group of choices.groups) {
    if (values.scanner && group.scanner !== values.scanner) continue;
    if (key === "coil" && values.protocol && group.protocol !== values.protocol) continue;
    const [id, word] = key === "protocol" ? [group.protocol, group.description] : [group.coil, group.coil_name];
    if (!id) continue;
    const known = counted.get(id);
    counted.set(id, { word: word || WORDS.noName, n: (known?.n ?? 0) + group.n });
  }
  return [...counted].sort(([, one], [, other]) => other.n - one.n);
}

function fillChoices(values) {
  put(byId("by"), ...Object.entries(WORDS.periods).map(([value, word]) => option(value, word, values.by)));
  for (const name of ["since", "until", "baseline_since", "baseline_until"]) if (byId(name).value !== (values[name] ?? "")) byId(name).value = values[name] ?? "";
  if (values.baseline_since || values.baseline_until) document.querySelector(".baseline").open = true;
  if (!choices) return;
  const scanners = [...new Set(choices.groups.map(({ scanner }) => scanner))].sort();
  put(byId("scanner"), option("", WORDS.all, values.scanner), ...scanners.map((name) => option(name, name, values.scanner)));
  for (const key of ["protocol", "coil"]) {
    const found = narrowed(values, key);
    put(byId(key), option("", WORDS.all, values[key]), ...found.map(([id, { word, n }]) => option(id, `${word} (${count(n)})`, values[key])));
  }
  const groups = [...new Set(choices.measures.map(({ group }) => group))];
  put(byId("measure"), ...groups.map((group) => h("optgroup", { label: WORDS.groups[group] }, choices.measures.filter((one) => one.group === group).map((one) => option(one.name, titled(one), values.measure)))));
}

const ruleWord = ({ rule, high }) => `${WORDS.side[high ? "high" : "low"]}: ${WORDS.rules[rule]}`;

function drawCourse(told) {
  const { measure, points, limits } = told;
  const write = writer(measure);
  const shown = points.filter(({ value }) => value !== null);
  if (!shown.length) {
    put(byId("course"), h("p", { class: "quiet" }, WORDS.nothing));
    put(byId("broken"), h("p", { class: "quiet" }, WORDS.nothingBroken));
    return;
  }
  const own = (point) => point.signals.filter(({ rule }) => rule !== "ewma");
  const averaged = (point) => point.signals.filter(({ rule }) => rule === "ewma");
  const changes = told.models.slice(1);
  const individuals = controlChart({
    title: WORDS.individuals(named(measure)),
    points: points.map((point) => ({ ...point, lower: limits?.lower ?? null, upper: limits?.upper ?? null, signals: own(point) })),
    centre: limits?.centre ?? null,
    changes,
    write,
    say: (point) => WORDS.point(dayWord(point.at), write(point.value), point.n, point.thin, point.signals.map(ruleWord)),
    head: WORDS.head,
    row: (point) => [dayWord(point.at), write(point.value), count(point.n), point.signals.map(ruleWord).join("; ")],
    words: WORDS,
  });
  const weighted = limits === null ? null : controlChart({
    title: WORDS.ewma(named(measure), told.weight.toLocaleString(locale), told.width.toLocaleString(locale)),
    points: points.map((point) => ({ at: point.at, value: point.ewma, lower: point.ewma_lower, upper: point.ewma_upper, thin: false, baseline: point.baseline, signals: averaged(point) })),
    centre: limits.centre,
    changes,
    write,
    steps: true,
    say: (point) => WORDS.ewmaPoint(dayWord(point.at), write(point.value), write(point.lower), write(point.upper), point.signals.map(ruleWord)),
    head: WORDS.ewmaHead,
    row: (point) => [dayWord(point.at), write(point.value), write(point.lower), write(point.upper), point.signals.map(ruleWord).join("; ")],
    words: WORDS,
  });
  put(
    byId("course"),
    h("p", { class: "quiet" }, limits === null ? WORDS.noLimits : WORDS.limits(write(limits.centre), write(limits.lower), write(limits.upper), limits.n, day(limits.since), day(limits.until), limits.chosen)),
    changes.length ? h("p", { class: "quiet" }, `${WORDS.models}: ${changes.map(({ at, model }) => WORDS.model(day(at), model)).join("; ")}`) : null,
    individuals, weighted,
  );
  drawBroken(shown);
}

// Neighbouring points that break the same rule to the same side are one line.
function drawBroken(shown) {
  const runs = [];
  const open = new Map();
  for (const [place, point] of shown.entries()) {
    for (const { rule, high } of point.signals) {
      const key = `${rule} ${high}`;
      const run = open.get(key);
      if (run && run.last === place - 1) Object.assign(run, { last: place, until: point.at, n: run.n + 1 });
      else {
        const begun = { rule, high, last: place, since: point.at, until: point.at, n: 1 };
        open.set(key, begun);
        runs.push(begun);
      }
    }
  }
  if (!runs.length) {
    put(byId("broken"), h("p", {}, WORDS.nothingBroken));
    return;
  }
  const table = (some) => tableOf(WORDS.ruleHead, some.map(({ rule, high, since, until, n }) => [WORDS.span(day(since), day(until)), `${high ? "▲" : "▼"} ${WORDS.side[high ? "high" : "low"]}`, WORDS.rules[rule], count(n)]), WORDS.broken);
  const latest = runs.sort((one, other) => other.last - one.last);
  const rest = latest.slice(MOST_RULES);
  put(
    byId("broken"), table(latest.slice(0, MOST_RULES)),
    rest.length ? h("details", { class: "as-table" }, h("summary", {}, WORDS.moreBroken(rest.length)), table(rest)) : null,
  );
}

const tableOf = (head, rows, label) =>
  h(
    "div", { class: "scroll", tabindex: 0, role: "group", "aria-label": label },
    h("table", {}, h("thead", {}, h("tr", {}, head.map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell, place) => h(place ? "td" : "th", place ? {} : { scope: "row" }, cell)))))),
  );

function drawVerdicts({ points, by }) {
  if (!points.length) {
    put(byId("verdicts"), h("p", { class: "quiet" }, WORDS.nothing));
    return;
  }
  const kinds = VERDICTS.map((name) => ({ name, word: WORDS.verdictNames[name] }));
  const all = (point) => VERDICTS.reduce((sum, name) => sum + point.parts[name], 0);
  put(
    byId("verdicts"),
    shareChart({
      title: WORDS.verdictsOf,
      points: points.map(({ at, verdicts }) => ({ at, parts: verdicts })),
      kinds,
      span: by === "week" ? 7 : 1,
      say: (point) => WORDS.shares(dayWord(point.at), kinds.map(({ name, word }) => WORDS.shareOf(word, count(point.parts[name]), percent(point.parts[name] / all(point))))),
      head: [WORDS.dayHead, ...kinds.map(({ word }) => word)],
      row: (point) => [dayWord(point.at), ...VERDICTS.map((name) => count(point.parts[name]))],
      words: WORDS,
    }),
  );
}

function drawDrift({ items }) {
  const row = ({ scanner, measure, before, now, psi, ks, n_before: earlier, n_now: late, alarm, since }) => [
    scanner,
    titled(measure),
    alarm ? h("strong", { class: "alarm" }, `▲ ${WORDS.drifts} ${WORDS.sinceDay(day(since))}`) : WORDS.steady,
    writer(measure)(before), writer(measure)(now),
    figure(psi), figure(ks), `${count(earlier)} / ${count(late)}`,
  ];
  const [first, second, ...others] = WORDS.driftHead;
  const head = [first, second, WORDS.stateHead, ...others];
  const alarms = items.filter(({ alarm }) => alarm);
  put(
    byId("drift"),
    h("p", { class: "quiet" }, items.length ? WORDS.driftWhy : WORDS.noDrift),
    items.length ? h("p", { class: alarms.length ? "alarm" : null }, h("strong", {}, WORDS.driftCount(alarms.length))) : null,
    alarms.length ? tableOf(head, alarms.map(row), WORDS.drift) : null,
    items.length ? h("details", { class: "as-table" }, h("summary", {}, WORDS.driftAll(items.length)), tableOf(head, items.map(row), WORDS.driftAll(items.length))) : null,
  );
}

function drawPresence({ items }) {
  const share = (value) => (value === null ? "–" : `${(100 * value).toLocaleString(locale, { maximumFractionDigits: 1 })} %`);
  put(
    byId("presence"), h("p", { class: "quiet" }, WORDS.presenceWhy),
    tableOf(
      WORDS.presenceHead,
      items.map(({ artifact, title, found, n, rate, low, high, probability }) => [
        h("a", { href: `?${query({ ...read(), measure: `presence.${artifact}` })}` }, title),
        WORDS.ofSeries(count(found), count(n)), share(rate), rate === null ? "–" : WORDS.interval(share(low), share(high)), share(probability),
      ]),
      WORDS.presence,
    ),
  );
}

function drawBands(told) {
  byId("bands-section").hidden = told === null;
  if (told === null) return;
  const span = (band) => (band ? WORDS.interval(figure(band.low), figure(band.high)) : WORDS.none);
  put(
    byId("bands"),
    h("p", { class: "quiet" }, told.items.length ? WORDS.bandsWhy(told.fewest) : WORDS.noBands(told.fewest)),
    told.items.length ? tableOf(WORDS.bandsHead, told.items.map((band) => [band.title, span(band), figure(band.middle), span(band.general), count(band.n)]), WORDS.bands) : null,
  );
}

function drawFiles(values, n) {
  const selected = query(values, ["scanner", "protocol", "coil", "since", "until"]);
  const link = (form, word) => h("a", { class: "button", href: `/api/v1/trends/export?${query({ ...Object.fromEntries(selected), format: form }, ["scanner", "protocol", "coil", "since", "until", "format"])}`, download: "" }, word);
  put(byId("files"), ...(mayExport && n ? [link("csv", WORDS.csvOf(count(n))), link("json", WORDS.jsonOf(count(n)))] : []));
}

async function draw() {
  const values = chosen();
  const mine = ++asked;
  say(byId("said"), "");
  const of = query(values, ["scanner", "protocol", "coil", "since", "until"]);
  const bands = values.scanner && values.protocol ? ask(`/trends/bands?${query(values, ["scanner", "protocol"])}`) : null;
  const parts = [
    ask(`/trends?${query(values)}`).then((told) => [() => { drawCourse(told); drawVerdicts(told); judged = told.series; drawFiles(values, judged); performance.mark("trend-drawn"); }]),
    ask(`/trends/drift?${query(values, ["scanner"])}`).then((told) => [() => drawDrift(told)]),
    ask(`/trends/presence?${of}`).then((told) => [() => drawPresence(told)]),
    Promise.resolve(bands).then((told) => [() => drawBands(told)]),
  ];
  const each = parts.map((part) => part.then(([show]) => { if (mine === asked) show(); }).catch((error) => say(byId("said"), WORDS.failed(error.message))));
  await Promise.all(each);
  if (mine === asked) document.body.dataset.drawn = String(mine);
}

function changed() {
  const values = read();
  const known = (key) => !choices || narrowed(values, key).some(([id]) => id === values[key]);
  for (const key of ["protocol", "coil"]) if (values[key] && !known(key)) values[key] = "";
  history.pushState(null, "", `?${query(values)}`);
  fillChoices(values);
  draw();
}

fillWords(WORDS);
byId("choice").addEventListener("change", changed);
byId("choice").addEventListener("submit", (event) => event.preventDefault());
addEventListener("popstate", () => { fillChoices(chosen()); draw(); });
fillChoices(chosen());
const drawing = draw();
enter(async (session) => {
  mayExport = session.permissions.includes("export");
  choices = await ask("/trends/choices");
  fillChoices(chosen());
  await drawing;
  if (judged !== null) drawFiles(chosen(), judged); // who may take files was not known before
});
