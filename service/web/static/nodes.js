// Nodes: scanners and destinations, whether they answer, who was turned away, and the form that adds one.

import { button, fill, key, mark, none, twice } from "/static/controls.js";
import { byId, h, put, say } from "/static/dom.js";
import { moment } from "/static/formats.js";
import { fillWords, locale } from "/static/language.js";
import { enter } from "/static/nav.js";
import { ask, change } from "/static/session.js";
import { WORDS } from "/static/words.nodes.js";

const KINDS = ["SR", "SEG", "REGIONS", "SC", "GSPS", "OVERLAY", "KO"];
const USUAL = ["SR", "SEG", "REGIONS", "SC"];
let may = false;
let profiles = []; // of the settings file
let editing = null; // the node that the form changes; null: it adds one

const when = (text) => (text === null ? WORDS.never : h("time", { datetime: text }, moment(text)));
const place = (node) => [node.host && node.port !== null ? `${node.host}:${node.port}` : node.host || "–", node.tls || node.tls_profile ? h("span", { class: "flag" }, WORDS.withTls(node.tls_profile)) : null, node.network ? h("div", { class: "small" }, node.network) : null];
const source = (node) => [node.source === "file" ? WORDS.file : WORDS.console(node.changed_by), node.overridden ? h("span", { class: "flag" }, WORDS.overridden) : node.lacks ? h("div", {}, h("span", { class: "flag" }, WORDS.notInForce), h("div", { class: "small" }, WORDS.lacks(node.tls_profile))) : null];

function answers(node) {
  if (!node.probe) return "–";
  return [mark(node.probe.good ? "good" : "bad", node.probe.good ? WORDS.good : WORDS.bad), h("div", { class: "small" }, moment(node.probe.at), node.probe.good ? "" : ` · ${node.probe.told}`)];
}

async function echo(node) {
  const said = byId("said");
  say(said, WORDS.asking(node.name));
  try {
    const told = await change("POST", `/nodes/${encodeURIComponent(node.id)}/echo`);
    say(said, WORDS.answered(node.name, told.told, told.seconds.toLocaleString(locale)));
  } catch (error) {
    say(said, error.message);
  }
  await draw();
}

async function remove(node) {
  try {
    await change("DELETE", `/nodes/${encodeURIComponent(node.id)}`, undefined, { "If-Match": `"${node.version}"`, "Idempotency-Key": key() });
    say(byId("said"), WORDS.removed(node.name));
  } catch (error) {
    say(byId("said"), error.message);
  }
  await draw();
}

const deeds = (node) => h(
  "td", { class: "deeds" },
  may && node.can_echo && !node.overridden ? button(node.ae_title ? WORDS.echo : WORDS.askIt, node.name, () => echo(node)) : null,
  may && node.source === "console" ? [button(WORDS.edit, node.name, () => edit(node)), twice(byId("said"), WORDS.remove, node.name, () => remove(node))] : null,
);

const titles = (node) => [node.ae_title || (node.role === "scanner" ? WORDS.bySerial : "–"), node.transfer_syntaxes.length ? h("div", { class: "small", title: node.transfer_syntaxes.join("\n") }, node.transfer_syntaxes.length > 1 ? WORDS.syntaxes(node.transfer_syntaxes.length) : node.transfer_syntaxes[0]) : null];

const scannerRow = (node) => h(
  "tr", { "data-key": node.id + node.source }, h("th", { scope: "row" }, node.name), h("td", {}, titles(node)), h("td", {}, place(node)),
  h("td", {}, when(node.last_seen_at)), h("td", {}, answers(node)), h("td", {}, source(node)), deeds(node),
);

const destinationRow = (node) => h(
  "tr", { "data-key": node.id + node.source }, h("th", { scope: "row" }, node.name), h("td", {}, titles(node)), h("td", { class: "wrap" }, place(node)),
  h("td", {}, node.results.join(" ") || node.kind, node.send && node.send !== "always" ? h("div", { class: "small" }, WORDS.sends[node.send]) : null),
  h("td", { class: "wrap" }, when(node.last_seen_at), node.last_answer ? h("div", { class: "small" }, node.last_answer) : null),
  h("td", { class: "wrap" }, answers(node)), h("td", { class: "wrap" }, source(node)), deeds(node),
);

function awayRow(one) {
  const letIn = () => {
    reset();
    byId("name").value = one.ae_title.replace(/[^A-Za-z0-9 ._-]/g, "") || "";
    byId("ae_title").value = one.ae_title;
    byId("network").value = one.network || one.address;
    byId("form-title").scrollIntoView({ block: "start" });
    byId(one.ae_title ? "name" : "ae_title").focus();
  };
  const how = one.let_in_now ? WORDS.letInNow : [
    may ? button(WORDS.letIn, one.ae_title || one.address, letIn) : null,
    h("details", {}, h("summary", {}, WORDS.inSettings), h("pre", { class: "lines" }, one.settings)),
  ];
  return h(
    "tr", { "data-key": `${one.address} ${one.ae_title} ${one.why}` }, h("td", {}, when(one.last_at)), h("th", { scope: "row" }, one.address),
    h("td", {}, one.ae_title || WORDS.untold), h("td", {}, one.count.toLocaleString(locale)), h("td", { class: "wrap" }, one.why), h("td", { class: "wrap" }, how),
  );
}

const refusedRow = (one) => h("tr", {}, h("td", {}, when(one.at)), h("td", {}, one.status), h("td", {}, WORDS.kilobytes(Math.round(one.size / 1000).toLocaleString(locale))), h("td", { class: "wrap" }, one.reason));

async function draw() {
  const [nodes, refusals] = await Promise.all([ask("/nodes"), ask("/refusals")]);
  const of = (role) => nodes.items.filter((node) => node.role === role);
  profiles = nodes.tls_profiles;
  offer(byId("tls").value);
  fill(byId("scanners"), of("scanner").length ? of("scanner").map(scannerRow) : none(WORDS.scannerHead.length, WORDS.noScanner));
  fill(byId("destinations"), of("destination").length ? of("destination").map(destinationRow) : none(WORDS.destinationHead.length, WORDS.noDestination));
  fill(byId("away"), refusals.callers.length ? refusals.callers.map(awayRow) : none(WORDS.awayHead.length, WORDS.noAway));
  fill(byId("refused"), refusals.instances.length ? refusals.instances.map(refusedRow) : none(WORDS.refusedHead.length, WORDS.noRefused));
}

const role = () => byId("form").elements.role.value;

function shape() {
  for (const element of byId("form").querySelectorAll("[data-for]")) element.hidden = element.dataset.for !== role();
  byId("host-label").textContent = role() === "scanner" ? WORDS.hostOfScanner : WORDS.host;
}

// Offers what a destination may be secured by, and what it is secured by though the settings file has it no more.
function offer(chosen) {
  const values = ["", "trusted", ...profiles.map((name) => `profile:${name}`)];
  if (!values.includes(chosen)) values.push(chosen);
  const word = (value) => (value === "" ? WORDS.noTls : value === "trusted" ? WORDS.trusted : WORDS.byProfile(value.slice(8)));
  put(byId("tls"), values.map((value) => h("option", { value, selected: value === chosen }, word(value))));
}

const secured = (value) => (value.startsWith("profile:") ? { tls_profile: value.slice(8) } : { tls: value === "trusted" });

function reset() {
  editing = null;
  byId("form").reset();
  for (const input of byId("results").querySelectorAll("input")) input.checked = USUAL.includes(input.value);
  offer("");
  byId("role").hidden = false;
  byId("name").disabled = false;
  byId("cancel").hidden = true;
  byId("form-title").textContent = WORDS.add;
  byId("save").textContent = WORDS.save;
  shape();
}

function edit(node) {
  reset();
  editing = node;
  byId("form").elements.role.value = node.role;
  for (const name of ["name", "ae_title", "host", "port", "network", "calling_ae_title"]) byId(name).value = node[name] ?? "";
  if (node.role === "destination") {
    for (const name of ["send", "bundle"]) byId(name).value = node[name];
    byId("recheck").checked = node.recheck;
    offer(node.tls_profile ? `profile:${node.tls_profile}` : node.tls ? "trusted" : "");
    for (const input of byId("results").querySelectorAll("input")) input.checked = node.results.includes(input.value);
  }
  byId("role").hidden = true;
  byId("name").disabled = true;
  byId("cancel").hidden = false;
  byId("form-title").textContent = WORDS.change(node.name);
  byId("save").textContent = WORDS.saveChange;
  shape();
  byId("ae_title").focus();
}

function given() {
  const text = (name) => byId(name).value.trim() || null;
  const body = { role: role(), name: text("name"), ae_title: text("ae_title"), host: text("host"), port: text("port") && Number(text("port")) };
  if (body.role === "scanner") return { ...body, network: text("network") };
  const results = [...byId("results").querySelectorAll("input:checked")].map((input) => input.value);
  return { ...body, calling_ae_title: text("calling_ae_title"), send: byId("send").value, bundle: byId("bundle").value, results, recheck: byId("recheck").checked, ...secured(byId("tls").value) };
}

async function save(event) {
  event.preventDefault();
  const body = given();
  try {
    if (editing) await change("PUT", `/nodes/${encodeURIComponent(editing.id)}`, body, { "If-Match": `"${editing.version}"`, "Idempotency-Key": key() });
    else await change("POST", "/nodes", body, { "Idempotency-Key": key() });
    reset();
    say(byId("form-said"), "");
    say(byId("said"), WORDS.saved(body.name));
    await draw();
    byId(body.role === "scanner" ? "scanners-title" : "destinations-title").focus();
  } catch (error) {
    say(byId("form-said"), error.message);
  }
}

fillWords(WORDS);
const heads = { scanners: WORDS.scannerHead, destinations: WORDS.destinationHead, away: WORDS.awayHead, refused: WORDS.refusedHead };
for (const [name, words] of Object.entries(heads)) put(byId(`${name}-head`), words.map((word) => h("th", { scope: "col" }, word === WORDS.whatToDo ? h("span", { class: "unseen" }, word) : word)));
for (const name of ["send", "bundle"]) put(byId(name), Object.entries(WORDS[`${name}s`]).map(([value, word]) => h("option", { value }, word)));
put(byId("results"), KINDS.map((kind) => h("label", { class: "choice" }, h("input", { type: "checkbox", value: kind }), ` ${kind}`)));
byId("form").addEventListener("submit", save);
byId("role").addEventListener("change", shape);
byId("cancel").addEventListener("click", reset);
reset();
enter(async (session) => {
  may = session.permissions.includes("operate");
  byId("form-panel").hidden = !may;
  await draw();
});
