// Every word that the page says, and how it writes times and shares.

export const WORDS = {
  live: "Live",
  connecting: "Connecting",
  notLive: "NOT LIVE",
  notLiveWhy: (since) => `No word from the service since ${since}. What you see may be out of date.`,
  notReady: "NOT SCORING",
  lastImage: (ago) => `Last image ${ago} ago`,
  noImage: "No image yet",
  waiting: (n) => (n === 1 ? "1 series on its way" : `${n} series on their way`),
  idle: "Nothing waits",
  noVerdict: "No verdict yet",
  noVerdictWhy: "As soon as a series is complete, its verdict appears here.",
  noSeries: "No series has arrived yet.",
  failed: "The service did not answer. Trying again.",
  series: (number) => (number === null ? "Series" : `Series ${number}`),
  receiving: "Receiving",
  scoring: "Scoring",
  images: (n, of) => (of ? `${n} of ${of} images` : n === 1 ? "1 image" : `${n} images`),
  revision: (n) => `Revision ${n}`,
  conflict: "Conflicting images",
  incomplete: "Incomplete",
  index: "Quality index",
  outOf: "of 10",
  suitability: "Diagnostically usable",
  whatToDo: "What to do",
  found: "Found",
  wholeSeries: "Of the whole series",
  says: { agrees: "agrees", disagrees: "disagrees", undecided: "says neither", "n/a": "does not apply" },
  measured: (value, low, high) => `${value}, clean ${low} to ${high}`,
  foundNothing: "No artifact stands out.",
  notExamined: "This series was not scored: nothing is known of its artifacts.",
  notFound: (n) => `Not found (${n})`,
  severity: "Severity",
  probability: "Probability",
  onSlices: (n) => (n === 1 ? "1 slice" : `${n} slices`),
  slice: (n, total, instance) => `Slice ${n} of ${total} · image ${instance}`,
  sliceIndex: (index) => `index ${index}`,
  here: (title, severity, area) => `${title}: severity ${severity}, ${area} of the body`,
  clean: "Nothing found on this slice",
  providers: { CPUExecutionProvider: "CPU", CUDAExecutionProvider: "NVIDIA GPU (CUDA)", TensorrtExecutionProvider: "NVIDIA GPU (TensorRT)" },
  overlay: "Overlay",
  opacity: "Opacity",
  outline: "Outline",
  fill: "Fill",
  hide: "Hide",
  worst: "Worst slice",
  resetWindow: "Reset window",
  chooseSlice: "Slice",
  keys: "Keys",
  keyTable: [
    ["← →", "previous, next slice"],
    ["Home End", "first, last slice"],
    ["W", "worst slice"],
    ["H", "hide the overlay while held"],
    ["O", "outline or fill"],
    ["+ −", "opacity"],
    ["Shift + arrows, drag", "window and level"],
    ["R", "reset the window"],
    ["Esc", "back to the list"],
  ],
  loading: "Loading",
  gone: "The pixels of this slice are no longer kept.",
  noPixels: "The pixels could not be read.",
  noSlices: "No slices yet.",
  noSlicesAtAll: "No slices to show.",
  facts: "How this was judged",
  model: "Model",
  hash: "SHA-256",
  provider: "Computed on",
  scanner: "Scanner",
  arrived: "First image",
  closed: "Complete",
  closedBy: (why) => `by ${why}`,
  received: "Received",
  limits: "What this cannot see",
  noLimits: "The model card names no limits.",
  advisory: "An aid to the technologist. It does not replace looking at the images.",
  deliveries: "Deliveries",
  noDeliveries: "Nothing has been sent yet.",
  deliveryHead: ["Result", "To", "State", "Tries", "Answer"],
  deliveryStates: { waiting: "Waiting", sent: "Sent", held: "Held", dead: "Given up" },
  kinds: { SR: "Report", SEG: "Segmentation", SC: "Card" },
  nextTry: (when) => `next try ${when}`,
  choose: "Choose a series to see where its artifacts are.",
  back: "Back to the list",
  closeReasons: { quiet: "quiet time", released: "release", release: "release", next: "next series", count: "known count", cap: "time limit" },
};

export const percent = (share) => `${Math.round(share * 100)} %`;
export const tenths = (value) => (value === null ? "–" : value.toFixed(1));

export function clock(date) {
  return date.toLocaleTimeString("en-GB");
}

export function moment(text) {
  const date = new Date(text);
  const today = new Date().toDateString() === date.toDateString();
  return today ? clock(date) : `${date.toLocaleDateString("en-CA")} ${clock(date)}`;
}

export function ago(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d`;
}
