// Who is signed in with this browser, and requests that change something: each repeats the session's own secret.

import { inOwnWords } from "/static/language.js";

export class Failed extends Error {
  constructor(status, detail) {
    super(detail || `status ${status}`);
    this.status = status;
  }
}

let session = null; // what was asked last; each change repeats its secret, and waits for it
let acted = Date.now(); // when the person at the page last did something
for (const kind of ["pointerdown", "keydown", "wheel"]) {
  addEventListener(kind, () => { acted = Date.now(); }, { capture: true, passive: true });
}

// What every question says: how long the person did nothing, so that a page that only looks keeps nobody signed in.
export const idle = () => ({ "X-Idle-Seconds": String(Math.round((Date.now() - acted) / 1000)) });

export const toSignIn = () => location.assign(`/login?next=${encodeURIComponent(location.pathname)}${location.hash}`);

export function whoAmI() {
  session = ask("/session");
  session.catch(() => { session = null; });
  return session;
}

export async function ask(path) {
  const answer = await fetch(`/api/v1${path}`, { cache: "no-store", credentials: "same-origin", headers: idle() });
  if (answer.status === 401) toSignIn();
  if (!answer.ok) throw new Failed(answer.status, (await answer.json().catch(() => ({}))).detail);
  return inOwnWords(await answer.json());
}

// What a problem says, with each thing that does not fit.
const told = ({ detail, errors }) => [detail, ...(errors ?? []).map(({ parameter, message }) => `${parameter.replace(/^body\./, "")}: ${message}`)].join(" ");

// Gives the body of the answer, null where there is none.
export async function change(method, path, body, headers = {}) {
  const type = body instanceof Blob ? body.type : "application/json";
  const { csrf } = await (session ?? whoAmI());
  const answer = await fetch(`/api/v1${path}`, {
    method,
    credentials: "same-origin",
    cache: "no-store",
    headers: { ...idle(), "X-CSRF-Token": csrf, ...(body === undefined ? {} : { "Content-Type": type }), ...headers },
    body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
  });
  if (answer.status === 401 && path !== "/session") toSignIn();
  if (!answer.ok) throw new Failed(answer.status, told(await answer.json()));
  if (answer.status === 204) return null;
  const given = inOwnWords(await answer.json());
  if (given.csrf) session = Promise.resolve(given);
  return given;
}
