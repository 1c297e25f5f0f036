// The de-identification log: the profiles in force, and what was done to which attributes how often.

import { byId, h, put, say } from "/static/dom.js";
import { moment } from "/static/formats.js";
import { fillWords, locale } from "/static/language.js";
import { enter } from "/static/nav.js";
import { ask } from "/static/session.js";
import { WORDS } from "/static/words.deid.js";

fillWords(WORDS);

const number = (n) => n.toLocaleString(locale);
const reasons = (title, counts) =>
  h("div", {}, h("h3", {}, title), counts.length ? h("ul", { class: "dots" }, counts.map(({ reason, count }) => h("li", {}, `${number(count)} × ${reason}`))) : h("p", { class: "quiet" }, WORDS.none));

function forWhom(profile) {
  if (profile.sources.length) return WORDS.forSources(profile.sources.join(", "));
  return profile.name === "export" ? WORDS.forResearch : WORDS.forAll;
}

// Attributes by what is done to them in words, the most first.
function summed(attributes) {
  const found = new Map();
  for (const [action, n] of Object.entries(attributes)) {
    const word = WORDS.actions[action] ?? action;
    found.set(word, (found.get(word) ?? 0) + n);
  }
  return [...found].sort(([, one], [, other]) => other - one);
}

const term = (word, ...told) => [h("dt", { class: "quiet" }, word), h("dd", {}, told)];

function tallyTable(profile, items) {
  if (!items.length) return h("p", { class: "quiet" }, WORDS.nothingDone);
  const title = `done-${profile.name}`;
  const body = h("tbody", {});
  const said = h("p", { class: "quiet", role: "status" });
  const field = h("input", { id: `find-${profile.name}`, type: "search", autocomplete: "off", spellcheck: "false", oninput: () => draw() });
  const row = (one) =>
    h("tr", {}, h("th", { scope: "row" }, one.attribute), h("td", {}, WORDS.actions[one.action] ?? one.action), h("td", {}, number(one.instances)), h("td", {}, moment(one.last_at)));
  function draw() {
    const wanted = field.value.trim().toLowerCase();
    const found = items.filter(({ attribute }) => attribute.toLowerCase().includes(wanted));
    put(body, found.map(row));
    say(said, WORDS.shown(number(found.length), number(items.length)));
  }
  draw();
  return [
    h("h3", { id: title }, WORDS.done),
    h("div", { class: "finding" }, h("label", { for: `find-${profile.name}` }, WORDS.find), field),
    said,
    h(
      "div", { class: "scroll tall", tabindex: "0", role: "group", "aria-labelledby": title },
      h("table", {}, h("thead", {}, h("tr", {}, [WORDS.attribute, WORDS.action, WORDS.instances, WORDS.last].map((word) => h("th", { scope: "col" }, word)))), body),
    ),
  ];
}

async function profilePanel(profile) {
  const { items } = await ask(`/deidentification/${encodeURIComponent(profile.name)}`);
  const id = `profile-${profile.name}`;
  const options = profile.options.length ? h("ul", { class: "dots" }, profile.options.map(({ code, meaning }) => h("li", {}, `${code} ${meaning}`))) : WORDS.basic;
  return h(
    "section", { class: "panel", "aria-labelledby": id },
    h("h2", { id }, WORDS.profile(profile.name)),
    h("p", {}, forWhom(profile)),
    h(
      "dl", { class: "facts" },
      term(WORDS.options, options), term(WORDS.dates, WORDS.datesAre[profile.dates] ?? profile.dates), term(WORDS.edition, profile.edition),
    ),
    h("p", { class: "quiet" }, summed(profile.attributes).map(([word, n]) => `${number(n)} ${word}`).join(" · ")),
    h("p", { class: "quiet" }, WORDS.rest),
    tallyTable(profile, items),
  );
}

enter(async () => {
  const told = await ask("/deidentification");
  put(byId("door"), h("p", {}, WORDS.erased(number(told.erased))), reasons(WORDS.refused, told.refused), reasons(WORDS.skipped, told.skipped));
  put(byId("profiles"), await Promise.all(told.profiles.map(profilePanel)));
});
