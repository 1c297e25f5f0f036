// Questions to the service; every answer is fresh, and a refusal throws with its status.

import { inOwnWords } from "/static/language.js";
import { idle, toSignIn } from "/static/session.js";

export class Refused extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}

async function ask(path, signal) {
  const answer = await fetch(`/api/v1${path}`, { signal, cache: "no-store", credentials: "same-origin", headers: idle() });
  if (answer.status === 401) toSignIn();
  if (!answer.ok) throw new Refused(answer.status);
  return answer;
}

const json = async (path, signal) => inOwnWords(await (await ask(path, signal)).json());
const numbers = (answer, name) => answer.headers.get(name).split(",").map(Number);
const at = (id, position) => `/series/${encodeURIComponent(id)}/slices/${position}`;

export const seriesPage = (cursor, scanner = "") =>
  json(`/series?${new URLSearchParams({ limit: 50, ...(cursor ? { cursor } : {}), ...(scanner ? { scanner } : {}) })}`);
export const oneSeries = (id) => json(`/series/${encodeURIComponent(id)}`);
export const slicesOf = async (id, signal) => (await json(`/series/${encodeURIComponent(id)}/slices`, signal)).items;
export const findingsOf = (id, signal) => json(`/series/${encodeURIComponent(id)}/findings`, signal);
export const scanners = async () => (await json("/scanners")).items;
export const study = (id) => json(`/studies/${encodeURIComponent(id)}`);
// null: who looks may not know of them.
export async function deliveriesOf(id, signal) {
  try {
    return (await json(`/deliveries?limit=200&series=${encodeURIComponent(id)}`, signal)).items;
  } catch (error) {
    if (error.status === 403) return null;
    throw error;
  }
}
export const catalogue = async () => (await json("/artifacts")).items;
export const model = () => json("/model");

// {pixels: Uint16Array, rows, columns, spacing: [row mm, column mm], window: [low, high]}
export async function image(id, position, signal) {
  const answer = await ask(`${at(id, position)}/image`, signal);
  const [rows, columns] = numbers(answer, "X-Image-Shape");
  const view = new DataView(await answer.arrayBuffer());
  const pixels = new Uint16Array(rows * columns);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = view.getUint16(2 * i, true);
  return { pixels, rows, columns, spacing: numbers(answer, "X-Image-Spacing"), window: numbers(answer, "X-Image-Window") };
}

// [{artifact, rows, columns, values: Uint8Array}]
export async function masks(id, position, signal) {
  const answer = await ask(`${at(id, position)}/masks`, signal);
  const [planes, rows, columns] = numbers(answer, "X-Mask-Shape");
  const names = answer.headers.get("X-Mask-Artifacts").split(", ");
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return Array.from({ length: planes }, (_, plane) => ({
    artifact: names[plane],
    rows,
    columns,
    values: bytes.subarray(plane * rows * columns, (plane + 1) * rows * columns),
  }));
}
