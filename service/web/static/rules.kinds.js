// The kinds of conditions and actions: what each is made of when it is new, which fields it has, and how it is said.

import { WORDS } from "/static/words.rules.js";

const CONSOLE = "console"; // the channel that every site has
const VERDICTS = Object.keys(WORDS.verdicts);
const range = (low, high, step) => [{ name: "at_least", type: "number", low, high, step }, { name: "below", type: "number", low, high, step }];
const oneOf = (options) => ({ name: "one_of", type: "choices", options });
const destinations = [{ name: "destinations", type: "choices", options: (names) => same(names.destinations) }];
const same = (list) => Object.fromEntries(list.map((one) => [one, one]));

// fresh: the values of a new one; fields: in the order of the form. `options` gives {value: word} from the names.
export const CONDITIONS = {
  verdict: { fresh: () => ({ one_of: ["Repeat"] }), fields: [oneOf(() => Object.fromEntries(VERDICTS.map((one) => [one, WORDS.verdicts[one]])))] },
  index: { fresh: () => ({ at_least: null, below: 5 }), fields: range(0, 10, 0.1) },
  suitability: { fresh: () => ({ at_least: null, below: 0.5 }), fields: range(0, 1, 0.01) },
  artifact: {
    fresh: () => ({ one_of: ["motion"], severity: 0, probability: 0 }),
    fields: [{ ...oneOf((names) => names.artifacts), hint: () => WORDS.anyArtifact }, { name: "severity", type: "number", low: 0, high: 1, step: 0.01, needed: true }, { name: "probability", type: "number", low: 0, high: 1, step: 0.01, needed: true }],
  },
  check: { fresh: () => ({ one_of: ["missing"] }), fields: [oneOf((names) => names.checks)] },
  scanner: { fresh: (names) => ({ one_of: names.scanners.slice(0, 1) }), fields: [{ name: "one_of", type: "list", hint: (names) => WORDS.scannersHint(names.scanners.join(", ")) }] },
  protocol: {
    fresh: () => ({ facet: "weighting", one_of: ["T2"] }),
    fields: [{ name: "facet", type: "select", options: () => WORDS.facets, resets: "one_of" }, oneOf((names, values) => names.terms[values.facet] ?? {})],
  },
  body_part: { fresh: () => ({ one_of: ["BRAIN"] }), fields: [oneOf((names) => names.terms.part)] },
  field: { fresh: () => ({ at_least: 3, below: null }), fields: range(0, 30, 0.1) },
  time: {
    fresh: () => ({ start: "07:00", end: "19:00", days: [] }),
    fields: [{ name: "start", type: "time" }, { name: "end", type: "time", empty: "24:00" }, { name: "days", type: "choices", options: () => WORDS.days }],
  },
  circumstance: { fresh: () => ({ one_of: ["provisional"] }), fields: [oneOf(() => WORDS.circumstances)] },
  all: { fresh: () => ({ of: [made("condition", "verdict")] }), group: true },
  any: { fresh: () => ({ of: [made("condition", "verdict")] }), group: true },
  not: { fresh: () => ({ of: [made("condition", "verdict")] }), group: true },
};

export const ACTIONS = {
  alert: {
    fresh: () => ({ channels: [CONSOLE], text: "{verdict}: {description}, series {series_number}, {scanner}. {reason}", priority: "medium" }),
    fields: [
      { name: "channels", type: "choices", options: (names) => same(names.channels) },
      { name: "text", type: "text", wide: true, hint: (names) => WORDS.textHint(names.fields.join(", ")) },
      { name: "priority", type: "select", options: () => WORDS.priorities },
    ],
  },
  send: { fresh: () => ({ destinations: [] }), fields: destinations },
  withhold: { fresh: () => ({ destinations: [] }), fields: destinations },
  hold: { fresh: () => ({ destinations: [] }), fields: destinations },
  release: { fresh: () => ({ destinations: [] }), fields: destinations },
  forward: {
    fresh: (names) => ({ pacs: names.pacs[0] ?? "", to: "", what: "series" }),
    fields: [{ name: "pacs", type: "select", options: (names) => same(names.pacs) }, { name: "to", type: "text" }, { name: "what", type: "select", options: () => WORDS.whats }],
  },
};

export const KINDS = { condition: CONDITIONS, action: ACTIONS };

export const made = (sort, kind, names) => ({ kind, ...KINDS[sort][kind].fresh(names) });

const wordOf = (names, values, field, value) => KINDS_FIELD(values, field)?.options?.(names, values)?.[value] ?? value;
const KINDS_FIELD = (values, name) => (CONDITIONS[values.kind] ?? ACTIONS[values.kind]).fields?.find((field) => field.name === name);

// A condition in words.
export function saidCondition(one, names) {
  const { said, kinds, groups } = WORDS;
  if (one.of) {
    const parts = one.of.map((inner) => saidCondition(inner, names));
    return one.kind === "not" ? `${groups.not} (${parts.join("; ")})` : `(${parts.join(` ${groups[one.kind]} `)})`;
  }
  const words = (one.one_of ?? []).map((value) => wordOf(names, one, "one_of", value));
  if (one.kind === "artifact") {
    const more = [one.severity ? said.severity(one.severity) : "", one.probability ? said.probability(one.probability) : ""].filter(Boolean);
    return [said.is(kinds.artifact, words.length ? words : [said.any]), ...more].join(", ");
  }
  if (one.kind === "protocol") return said.is(WORDS.facets[one.facet] ?? one.facet, words);
  if (one.kind === "time") return `${kinds.time}: ${said.time(one.start, one.end, one.days.map((day) => WORDS.days[day]).join(" "))}`;
  if (one.one_of) return said.is(kinds[one.kind], words);
  return said.range(kinds[one.kind], one.at_least, one.below);
}

// An action in words.
export function saidAction(one) {
  const { said, kinds } = WORDS;
  if (one.kind === "alert") return said.alert(one.channels.map((name) => (name === CONSOLE ? said.console : name)), WORDS.priorities[one.priority] ?? one.priority);
  if (one.kind === "forward") return said.forward(one.pacs, WORDS.whats[one.what] ?? one.what, one.to);
  return said.deed(kinds[one.kind], one.destinations.length ? one.destinations.join(", ") : said.allDestinations);
}
