// The page's own measurements: of each name only the last is kept, so that a page that stays open does not grow.

export function mark(name, detail) {
  performance.clearMarks(name);
  performance.mark(name, { detail });
}

// Measures from a moment (performance.now()) until now.
export function measure(name, start, detail = null) {
  performance.clearMeasures(name);
  performance.measure(name, { start, end: performance.now(), detail });
}

// Calls back when what was changed just now is on the screen.
export function shown(then) {
  requestAnimationFrame(() => setTimeout(then, 0));
}
