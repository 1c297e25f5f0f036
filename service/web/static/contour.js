// Where a mask's probability crosses its operating point: closed paths, finer than the mask's own pixels.

// Corner cases of a cell by which corners are inside (1 top left, 2 top right, 4 bottom right, 8 bottom left):
// pairs of edges (0 top, 1 right, 2 bottom, 3 left) that the line joins. Saddles keep their corners apart.
const CASES = [
  [], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [[3, 0], [1, 2]], [[0, 2]], [[3, 2]],
  [[2, 3]], [[2, 0]], [[0, 1], [2, 3]], [[2, 1]], [[1, 3]], [[1, 0]], [[0, 3]], [],
];

// Gives a list of closed paths [[x, y], ...] in units of the mask's pixels, (0, 0) being its top left corner.
export function contours({ values, rows, columns }, level = 127.5) {
  const at = (row, column) =>
    row < 0 || column < 0 || row >= rows || column >= columns ? 0 : values[row * columns + column];
  const width = 2 * columns + 5;
  const points = new Map();
  const next = new Map();

  function crossing(row, column, edge) {
    const horizontal = edge === 0 || edge === 2;
    const [r, c] = [row + (edge === 2 ? 1 : 0), column + (edge === 1 ? 1 : 0)];
    const [from, to] = [at(r, c), horizontal ? at(r, c + 1) : at(r + 1, c)];
    const along = (level - from) / (to - from);
    const key = (2 * r + (horizontal ? 2 : 3)) * width + 2 * c + (horizontal ? 3 : 2);
    if (!points.has(key)) {
      const limit = (value, high) => Math.min(Math.max(value, 0), high);
      const x = limit(c + 0.5 + (horizontal ? along : 0), columns);
      const y = limit(r + 0.5 + (horizontal ? 0 : along), rows);
      points.set(key, [x, y]);
    }
    return key;
  }

  for (let row = -1; row < rows; row += 1) {
    for (let column = -1; column < columns; column += 1) {
      const inside =
        (at(row, column) > level) | ((at(row, column + 1) > level) << 1) |
        ((at(row + 1, column + 1) > level) << 2) | ((at(row + 1, column) > level) << 3);
      for (const [from, to] of CASES[inside]) next.set(crossing(row, column, from), crossing(row, column, to));
    }
  }

  const paths = [];
  while (next.size) {
    const path = [];
    let key = next.keys().next().value;
    while (next.has(key)) {
      path.push(points.get(key));
      const following = next.get(key);
      next.delete(key);
      key = following;
    }
    if (path.length > 2) paths.push(path);
  }
  return paths;
}
