// What a page knows of series: each is asked for again when something changed, once however often it changed.

import * as api from "/static/api.js";

const RETRY_MS = 1000;

const later = (a, b) => (a.opened_at < b.opened_at ? 1 : a.opened_at > b.opened_at ? -1 : a.id < b.id ? 1 : -1);

export class Store {
  // scanner: whose series; "" for all. kept: how many are remembered. changed(): to draw; gone(id): there is none.
  constructor({ scanner = "", kept, changed, gone = () => {} }) {
    Object.assign(this, { scanner, kept, changed, gone });
    this.known = new Map(); // id -> series
    this.dirty = new Set(); // ids to ask for again
    this.sought = new Set(); // ids of the address that were asked for once
    this.cursor = null;
    this.asking = false;
    this.loaded = false; // the first list is here
  }

  // Newest first; what is more than is kept is forgotten, but never the one that is looked at.
  ordered(looked = null) {
    const all = [...this.known.values()].sort(later);
    for (const old of all.splice(this.kept)) if (old.id !== looked) this.known.delete(old.id);
    return all;
  }

  // A series that only the address names.
  seek(id) {
    if (this.known.has(id) || this.sought.has(id)) return;
    this.sought.add(id);
    this.refresh(id);
  }

  refresh(id) {
    this.dirty.add(id);
    if (!this.asking) this.ask();
  }

  async ask() {
    this.asking = true;
    while (this.dirty.size) {
      const ids = [...this.dirty];
      this.dirty.clear();
      await Promise.all(ids.map((id) => this.renew(id)));
      this.changed();
    }
    this.asking = false;
  }

  async renew(id) {
    try {
      this.known.set(id, await api.oneSeries(id));
    } catch (error) {
      if (error.status === 404) {
        this.known.delete(id);
        this.gone(id);
      } else {
        setTimeout(() => this.refresh(id), RETRY_MS);
      }
    }
  }

  async reload() {
    try {
      const page = await api.seriesPage(null, this.scanner);
      for (const series of page.items) this.known.set(series.id, series);
      if (this.known.size <= page.items.length) this.cursor = page.next_cursor;
      this.loaded = true;
      this.changed();
    } catch (error) {
      if (error.status === 404) this.gone(null);
      else setTimeout(() => this.reload(), RETRY_MS);
    }
  }

  async older() {
    const page = await api.seriesPage(this.cursor, this.scanner);
    for (const series of page.items) this.known.set(series.id, series);
    this.cursor = this.known.size >= this.kept ? null : page.next_cursor;
    this.changed();
  }

  // Single images are no events: the counts of what is on its way are asked for.
  watchOpen(most) {
    for (const series of this.ordered().filter((one) => !one.verdict).slice(0, most)) this.refresh(series.id);
  }
}
