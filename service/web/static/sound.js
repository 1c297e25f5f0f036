// The board's sound: made here by WebAudio, in no pattern of a patient monitor's; one shape for Check, one for Repeat.

const KEY = "scanside-sound";
const LOUD = 0.22;

// Each note: start (s), length (s), from and to (Hz). Check: one bell that fades. Repeat: two long slides downwards.
const SHAPES = {
  Check: [{ at: 0, lasts: 0.9, from: 587, to: 587, attack: 0.02 }],
  Repeat: [
    { at: 0, lasts: 0.75, from: 494, to: 330, attack: 0.12 },
    { at: 1.0, lasts: 0.75, from: 494, to: 330, attack: 0.12 },
  ],
};

function kept() {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

function note(context, { at, lasts, from, to, attack }) {
  const [tone, level] = [context.createOscillator(), context.createGain()];
  const start = context.currentTime + at;
  tone.type = "sine";
  tone.frequency.setValueAtTime(from, start);
  tone.frequency.exponentialRampToValueAtTime(to, start + lasts);
  level.gain.setValueAtTime(0.0001, start);
  level.gain.exponentialRampToValueAtTime(LOUD, start + attack);
  level.gain.exponentialRampToValueAtTime(0.0001, start + lasts);
  tone.connect(level).connect(context.destination);
  tone.start(start);
  tone.stop(start + lasts + 0.05);
}

export class Sound {
  // changed(): whether it can be heard is another matter than before
  constructor(changed) {
    this.changed = changed;
    this.wanted = kept();
    this.context = null;
    if (this.wanted) this.wake();
  }

  // "on"; "off"; "blocked": wanted, but the browser waits for a click or a key
  get state() {
    if (!this.wanted) return "off";
    return this.context?.state === "running" ? "on" : "blocked";
  }

  // A browser lets a page be heard only after a gesture: the next one will do.
  wake() {
    this.context ??= new AudioContext();
    this.context.onstatechange = () => this.changed();
    const resume = () => {
      if (this.wanted && this.context.state !== "running") this.context.resume();
    };
    resume();
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, resume, { capture: true, passive: true });
  }

  async turn(on) {
    this.wanted = on;
    localStorage.setItem(KEY, on ? "on" : "off");
    if (on) {
      if (this.context) await this.context.resume();
      else this.wake();
    } else {
      await this.context?.suspend();
    }
    this.changed();
  }

  play(verdict) {
    if (this.state !== "on" || !SHAPES[verdict]) return;
    for (const shape of SHAPES[verdict]) note(this.context, shape);
  }
}
