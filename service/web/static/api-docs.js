// The API, drawn from the description that this very service gives of itself.

import { byId, h, put, say } from "/static/dom.js";
import { fillWords, locale } from "/static/language.js";
import { enter } from "/static/nav.js";
import { ask } from "/static/session.js";
import { WORDS } from "/static/words.api-docs.js";

const DEEPEST = 5; // levels of a schema that are drawn

fillWords(WORDS);

let described = null;

const resolved = (schema) => (schema?.$ref ? described.components.schemas[schema.$ref.split("/").at(-1)] : schema) ?? {};
const nameOf = (schema) => schema?.$ref?.split("/").at(-1) ?? "";

// One line for a kind of value: "string", "list of SeriesAnswer", "number or null".
function kindOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return nameOf(schema);
  const either = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (either) return either.map(kindOf).join(" or ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${kindOf(schema.items)}`;
  const limits = [["minimum", "≥"], ["maximum", "≤"], ["maxLength", "length ≤"], ["pattern", "as"]].filter(([name]) => schema[name] !== undefined);
  return [schema.format ?? schema.type ?? "any", ...limits.map(([name, sign]) => `${sign} ${schema[name]}`)].join(" ");
}

// The schema whose fields are worth a tree beneath a kind.
function within(schema) {
  if (!schema) return null;
  if (schema.$ref || schema.properties) return resolved(schema);
  const either = (schema.anyOf ?? schema.oneOf ?? schema.allOf ?? []).find((one) => one.$ref || one.properties || one.items);
  return either ? within(either) : within(schema.items);
}

function tree(schema, seen = []) {
  const found = within(schema);
  if (!found?.properties || seen.includes(found) || seen.length >= DEEPEST) return null;
  const field = ([name, value]) => {
    const must = found.required?.includes(name) ? ` (${WORDS.must})` : "";
    const told = value.description ? ` – ${value.description}` : "";
    return h("li", {}, h("code", {}, name), " ", h("span", { class: "kind" }, `${kindOf(value)}${must}`), told, tree(value, [...seen, found]));
  };
  return h("ul", { class: "tree" }, Object.entries(found.properties).map(field));
}

const content = (told) => Object.entries(told?.content ?? {});

function parameters(list) {
  if (!list.length) return null;
  const row = (one) =>
    h("tr", {}, h("th", { scope: "row" }, one.name), h("td", {}, one.in), h("td", { class: "wrap" }, kindOf(one.schema) + (one.required ? ` (${WORDS.must})` : "")), h("td", { class: "wrap" }, one.description ?? ""));
  return [
    h("h3", {}, WORDS.parameters),
    h(
      "div", { class: "scroll", tabindex: "0", role: "group", "aria-label": WORDS.parameters },
      h("table", {}, h("thead", {}, h("tr", {}, [WORDS.name, WORDS.place, WORDS.kind, WORDS.meaning].map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, list.map(row))),
    ),
  ];
}

function answers(responses) {
  const line = ([status, told]) => {
    const [[media, { schema }] = ["", {}]] = content(told);
    const good = status.startsWith("2");
    return h("li", {}, h("strong", {}, status), ` ${told.description}`, media && good ? [" ", h("span", { class: "kind" }, `${media} ${kindOf(schema)}`)] : null, good ? tree(schema) : null);
  };
  return [h("h3", {}, WORDS.answers), h("ul", { class: "tree" }, Object.entries(responses).map(line))];
}

function body(request) {
  const [[media, { schema }] = ["", {}]] = content(request);
  return media ? [h("h3", {}, WORDS.body), h("p", {}, h("span", { class: "kind" }, `${media} ${kindOf(schema)}`)), tree(schema)] : null;
}

function operation({ method, path, told }) {
  const scopes = [...new Set((told.security ?? []).flatMap((scheme) => Object.values(scheme).flat()))].sort();
  const inside = h("div", { class: "inside" });
  const element = h(
    "details", { class: "operation" },
    h("summary", {}, h("span", { class: "method" }, method.toUpperCase()), h("code", {}, path), h("span", {}, told.summary), h("span", { class: "quiet" }, scopes.length ? WORDS.needs(scopes.join(", ")) : WORDS.everybody)),
    inside,
  );
  element.addEventListener("toggle", () => {
    if (!element.open || inside.childElementCount) return;
    put(inside, told.description ? h("p", {}, told.description) : null, parameters(told.parameters ?? []), body(told.requestBody), answers(told.responses));
  });
  return element;
}

const all = () =>
  Object.entries(described.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, told]) => ({ method, path, told, tag: told.tags?.[0] ?? "" })));

function draw() {
  if (!described) return;
  const wanted = byId("find").value.trim().toLowerCase();
  const known = all();
  const found = known.filter(({ method, path, told }) => `${method} ${path} ${told.summary}`.toLowerCase().includes(wanted));
  const tags = [...new Set(found.map(({ tag }) => tag))];
  put(
    byId("groups"),
    tags.map((tag) => {
      const id = `group-${tag.replace(/\W/g, "-")}`;
      return h("section", { class: "panel", "aria-labelledby": id }, h("h2", { id }, tag), found.filter((one) => one.tag === tag).map(operation));
    }),
  );
  say(byId("said"), WORDS.shown(found.length.toLocaleString(locale), known.length.toLocaleString(locale)));
}

put(byId("how"), WORDS.how.map((text) => h("p", {}, text)), h("p", {}, h("a", { class: "button", href: "/api/v1/openapi.json", download: "scanside-openapi.json" }, WORDS.file)));
byId("find").addEventListener("input", draw);
enter(async () => {
  described = await ask("/openapi.json");
  draw();
});
