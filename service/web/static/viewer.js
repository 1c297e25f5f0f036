// The canvas: pixels through a window, masks as vector outlines over them.

import { contours } from "/static/contour.js";
import { hatch } from "/static/hatch.js";
import { measure } from "/static/marks.js";

const LEAST_WIDTH = 16; // of the window, of 65,536 values

// Pixels through the window into a canvas of the matrix' own size; its bytes are used again for the next slice.
function develop(image, [low, high], target) {
  if (target.width !== image.columns || target.height !== image.rows || !target.bytes) {
    target.width = image.columns;
    target.height = image.rows;
    target.bytes = target.getContext("2d").createImageData(image.columns, image.rows);
  }
  const words = new Uint32Array(target.bytes.data.buffer);
  const scale = 255 / (high - low);
  for (let i = 0; i < words.length; i += 1) {
    const value = (image.pixels[i] - low) * scale;
    const grey = value < 0 ? 0 : value > 255 ? 255 : value | 0;
    words[i] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
  target.getContext("2d").putImageData(target.bytes, 0, 0);
}

function outline(plane) {
  const path = new Path2D();
  for (const points of contours(plane)) {
    points.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    path.closePath();
  }
  return path;
}

export class Viewer {
  // looks: Map of artifact -> {colour, order}
  constructor(canvas, looks) {
    this.canvas = canvas;
    this.looks = looks;
    this.image = null;
    this.planes = [];
    this.window = null;
    this.opacity = 0.7;
    this.filled = true;
    this.hidden = false;
    this.chosen = null; // the one artifact that is shown; null: all
    this.mark = null; // {slice, x, y: shares of the picture, on(): the slice that is shown}
    this.developed = document.createElement("canvas");
    this.stale = true;
    this.asked = 0;
    this.awaited = null; // [name, start] of what the next drawing ends
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  // keepWindow: the person has set the window by hand, and it stays from slice to slice.
  show(image, planes, keepWindow) {
    this.image = image;
    this.prepare(planes);
    this.planes = planes;
    if (!keepWindow || !this.window) this.window = [...image.window];
    this.stale = true;
    this.redraw();
  }

  // Outlines are found once, before they are needed where there is time.
  prepare(planes) {
    for (const plane of planes) plane.path ??= outline(plane);
  }

  clear() {
    this.image = null;
    this.planes = [];
    this.redraw();
  }

  set(changes) {
    Object.assign(this, changes);
    this.redraw();
  }

  // dx (to the right) widens the window, dy (downwards) darkens; both in css pixels of a drag.
  adjust(dx, dy) {
    if (!this.image) return;
    const [low, high] = this.window;
    const width = Math.max(LEAST_WIDTH, (high - low) * Math.exp(dx / 200));
    const centre = (low + high) / 2 + (dy * (high - low)) / 300;
    this.window = [centre - width / 2, centre + width / 2];
    this.stale = true;
    this.redraw();
  }

  resetWindow() {
    if (!this.image) return;
    this.window = [...this.image.window];
    this.stale = true;
    this.redraw();
  }

  redraw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.draw();
    });
  }

  draw() {
    const start = performance.now();
    this.paintAll();
    measure("draw", start);
    if (this.awaited) measure(...this.awaited);
    this.awaited = null;
  }

  paintAll() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!this.image || !width || !height) return;
    if (this.stale) {
      develop(this.image, this.window, this.developed);
      this.stale = false;
    }
    const place = this.place(width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(this.developed, place.x, place.y, place.width, place.height);
    if (!this.hidden) for (const plane of this.shown()) this.paint(context, plane, place, ratio);
    if (this.mark && this.mark.slice === this.mark.on()) this.cross(context, place, ratio);
    canvas.dataset.drawn = String(this.hidden ? 0 : this.shown().length);
  }

  // A ring with an open middle: what is marked stays visible.
  cross(context, place, ratio) {
    const [x, y] = [place.x + this.mark.x * place.width, place.y + this.mark.y * place.height];
    const radius = 11 * ratio;
    for (const [colour, width] of [["#000", 5], ["#fff", 2.5]]) {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + dx * radius, y + dy * radius);
        context.lineTo(x + dx * radius * 1.7, y + dy * radius * 1.7);
      }
      context.strokeStyle = colour;
      context.lineWidth = width * ratio;
      context.stroke();
    }
  }

  // Which place of the picture, {x, y} in shares of it, lies at a point of the window; null beside the picture.
  shareAt(clientX, clientY) {
    const box = this.canvas.getBoundingClientRect();
    if (!this.image || !box.width) return null;
    const place = this.place(box.width, box.height);
    const [x, y] = [(clientX - box.left - place.x) / place.width, (clientY - box.top - place.y) / place.height];
    return x >= 0 && x <= 1 && y >= 0 && y <= 1 ? { x, y } : null;
  }

  shown() {
    return this.chosen ? this.planes.filter((plane) => plane.artifact === this.chosen) : this.planes;
  }

  // Where the picture lies on the canvas: as large as fits, in the true proportions of the field of view.
  place(width, height) {
    const { rows, columns, spacing } = this.image;
    const [tall, wide] = [rows * spacing[0], columns * spacing[1]];
    const scale = Math.min(width / wide, height / tall);
    const [w, t] = [wide * scale, tall * scale];
    return { x: (width - w) / 2, y: (height - t) / 2, width: w, height: t };
  }

  paint(context, plane, place, ratio) {
    const look = this.looks.get(plane.artifact);
    if (!look) return;
    const path = new Path2D();
    const [sx, sy] = [place.width / plane.columns, place.height / plane.rows];
    path.addPath(plane.path, new DOMMatrix([sx, 0, 0, sy, place.x, place.y]));
    context.globalAlpha = this.opacity;
    if (this.filled) {
      context.fillStyle = hatch(context, look.colour, look.order, ratio);
      context.fill(path, "evenodd");
    }
    context.lineJoin = "round";
    context.strokeStyle = "#000"; // a dark rim keeps the line visible on bright tissue
    context.lineWidth = 4 * ratio;
    context.globalAlpha = this.opacity * 0.6;
    context.stroke(path);
    context.globalAlpha = Math.max(this.opacity, 0.15);
    context.strokeStyle = look.colour;
    context.lineWidth = 2 * ratio;
    context.stroke(path);
    context.globalAlpha = 1;
  }
}
