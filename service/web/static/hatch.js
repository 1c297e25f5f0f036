// Each artifact's colour and hatching, the same in the overlay, the strip and the list.

const STEP = 9; // css pixels between two lines
const KINDS = ["/", "\\", "-", "|", "x", "+", "."];

function lines(context, kind, step) {
  const stroke = (...points) => {
    context.beginPath();
    for (const [x1, y1, x2, y2] of points) {
      context.moveTo(x1 * step, y1 * step);
      context.lineTo(x2 * step, y2 * step);
    }
    context.stroke();
  };
  // Diagonals go over the tile's corners too, so that tiles meet.
  if (kind === "/" || kind === "x") stroke([-0.5, 0.5, 0.5, -0.5], [0, 1, 1, 0], [0.5, 1.5, 1.5, 0.5]);
  if (kind === "\\" || kind === "x") stroke([-0.5, 0.5, 0.5, 1.5], [0, 0, 1, 1], [0.5, -0.5, 1.5, 0.5]);
  if (kind === "-" || kind === "+") stroke([0, 0.5, 1, 0.5]);
  if (kind === "|" || kind === "+") stroke([0.5, 0, 0.5, 1]);
  if (kind === ".") {
    context.beginPath();
    context.arc(step / 2, step / 2, step / 5, 0, 2 * Math.PI);
    context.fill();
  }
}

// A pattern to fill with: `order` is the artifact's place in the catalogue.
export function hatch(context, colour, order, ratio) {
  const step = Math.round(STEP * ratio);
  const tile = document.createElement("canvas");
  tile.width = step;
  tile.height = step;
  const inner = tile.getContext("2d");
  inner.strokeStyle = colour;
  inner.fillStyle = colour;
  inner.lineWidth = 1.6 * ratio;
  inner.globalAlpha = 0.32;
  inner.fillRect(0, 0, step, step);
  inner.globalAlpha = 1;
  lines(inner, KINDS[order % KINDS.length], step);
  return context.createPattern(tile, "repeat");
}

// A small sample of an artifact's look, for lists.
export function swatch(colour, order) {
  const canvas = document.createElement("canvas");
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(22 * ratio);
  canvas.height = canvas.width;
  canvas.className = "swatch";
  canvas.setAttribute("aria-hidden", "true");
  const context = canvas.getContext("2d");
  context.fillStyle = hatch(context, colour, order, ratio);
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = colour;
  context.lineWidth = 3 * ratio;
  context.strokeRect(0, 0, canvas.width, canvas.height);
  return canvas;
}
