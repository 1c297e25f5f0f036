// The strip: the whole series at a glance, a column for each slice, a row for each artifact that was found.

const ROW = 12;
const TOP = 22; // the index, as bars

export class Strip {
  constructor(canvas, looks, choose) {
    this.canvas = canvas;
    this.looks = looks;
    this.slices = [];
    this.rows = [];
    this.position = 0;
    const pick = (event) => {
      if (!this.slices.length || (event.type === "pointermove" && !event.buttons)) return;
      const box = canvas.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      choose(Math.min(this.slices.length - 1, Math.max(0, Math.floor(share * this.slices.length))));
    };
    canvas.addEventListener("pointerdown", pick);
    canvas.addEventListener("pointermove", pick);
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(slices, artifacts) {
    this.slices = slices;
    this.rows = artifacts;
    this.canvas.style.setProperty("height", `${TOP + ROW * artifacts.length + 6}px`);
    this.draw();
  }

  move(position) {
    this.position = position;
    this.draw();
  }

  draw() {
    const { canvas, slices } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const column = width / Math.max(1, slices.length);
    const gap = column > 5 ? 1 : 0;
    slices.forEach((slice, i) => {
      const bar = ((slice.index ?? 0) / 10) * (TOP - 4);
      const counts = slice.index !== null && slice.signal && slice.familiar;
      context.fillStyle = !counts ? "#44515e" : "#a9b9c8";
      context.fillRect(i * column, TOP - 2 - Math.max(bar, 1), column - gap, Math.max(bar, 1));
      this.cells(context, slice, i * column, column - gap);
    });
    this.mark(context, column, height);
  }

  cells(context, slice, left, width) {
    this.rows.forEach((artifact, row) => {
      const finding = slice.findings.find((one) => one.artifact === artifact && one.present);
      context.globalAlpha = finding ? 0.35 + 0.65 * finding.severity : 1;
      context.fillStyle = finding ? this.looks.get(artifact)?.colour ?? "#fff" : "#232d37";
      context.fillRect(left, TOP + row * ROW + 2, width, ROW - 2);
    });
    context.globalAlpha = 1;
  }

  mark(context, column, height) {
    if (!this.slices.length) return;
    const width = Math.max(column, 3);
    context.strokeStyle = "#ffffff";
    context.lineWidth = 2;
    context.strokeRect(this.position * column + 1 - (width - column) / 2, 1, width - 2, height - 2);
  }
}
