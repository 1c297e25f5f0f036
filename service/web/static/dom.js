// Elements from values: text goes in as text nodes only, so nothing that is shown can ever be markup.

const SVG = "http://www.w3.org/2000/svg";

const present = (children) => children.flat().filter((child) => child !== null && child !== undefined && child !== "");

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...present(children));
  return element;
}

export const h = (tag, properties = {}, ...children) => fill(document.createElement(tag), properties, children);
export const s = (tag, properties = {}, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

export const put = (element, ...children) => element.replaceChildren(...present(children));

export const byId = (id) => document.getElementById(id);

// Writes only what changes: a screen reader hears a live region, and a selection survives.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// What the address of a page ends with; "" where that is no text.
export function lastPart() {
  try {
    return decodeURIComponent(location.pathname.split("/").at(-1));
  } catch {
    return "";
  }
}
