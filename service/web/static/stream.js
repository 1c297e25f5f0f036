// The one event stream of the page: reconnects by itself, replays what it missed, and knows when it is silent.

import { inOwnWords } from "/static/language.js";

const SILENCE_MS = 9000; // three heartbeats
const RETRY_MS = 1000;
const TICK_MS = 250;
const KINDS = ["series", "alert", "delivery", "conflict", "identity", "decision", "exam", "feedback", "review", "notice"];

// scanner: whose events; "" for all. on: {hello(reset), event(kind, body), heartbeat(body), state("live" | "connecting" | "silent", heardAt),
// lost(): it could not be opened, again}
export function follow(scanner, on) {
  let source = null;
  let lastId = null;
  let heard = Date.now();
  let openedAt = 0;
  let state = "connecting";

  const become = (next) => {
    if (next !== state) {
      state = next;
      on.state(state, heard);
    }
  };
  const hear = () => {
    heard = Date.now();
    become("live");
  };

  function open() {
    openedAt = Date.now();
    const asked = new URLSearchParams({ ...(scanner ? { scanner } : {}), ...(lastId === null ? {} : { after: lastId }) });
    source = new EventSource(`/api/v1/events?${asked}`);
    source.addEventListener("hello", (message) => {
      const { last, reset } = JSON.parse(message.data);
      if (reset) lastId = last;
      hear();
      on.hello(reset);
    });
    source.addEventListener("heartbeat", (message) => {
      hear();
      on.heartbeat(JSON.parse(message.data));
    });
    for (const kind of KINDS) {
      source.addEventListener(kind, (message) => {
        hear();
        const body = inOwnWords(JSON.parse(message.data));
        if (lastId !== null && body.id <= lastId) return; // a replay may tell twice
        lastId = body.id;
        on.event(kind, body);
      });
    }
    source.onerror = () => {
      if (state === "live") become("connecting");
      else on.lost();
      again();
    };
  }

  // The browser's own retry gives up for good after some errors, and keeps the address it began with.
  function again() {
    source.close();
    source = null;
    setTimeout(open, RETRY_MS);
  }

  function watch() {
    const now = Date.now();
    if (now - heard <= SILENCE_MS) return;
    become("silent");
    if (source && now - openedAt > SILENCE_MS) again();
  }

  open();
  setInterval(watch, TICK_MS);
  document.addEventListener("visibilitychange", watch);
}
