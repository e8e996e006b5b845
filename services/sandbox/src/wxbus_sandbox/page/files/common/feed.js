// Everything that happened, from the server-sent events, and the listeners to changes.

const KEPT = 1000;
const listeners = new Set();
let scheduled = false;
let took = 0; // milliseconds of the last change
let seen = false;

const KINDS = ["push", "retry", "sent", "call"];

// `offset`: milliseconds by which the clock of the sandbox is ahead of the browser's.
export const feed = { push: [], retry: [], sent: [], call: [], connected: false, offset: 0 };

export const now = () => (Date.now() + feed.offset) / 1000;

// Returns a function that removes the listener.
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Many events at a time make one change. Under load the page draws for a third of the time at most, and stays usable.
export function changed() {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    const begun = performance.now();
    listeners.forEach((listener) => listener());
    took = performance.now() - begun;
  }, Math.max(20, 2 * took));
}

function isSamePush(one, other) {
  const isSame = one.time === other.time && one.account === other.account && one.openid === other.openid;
  return isSame && JSON.stringify(one.message) === JSON.stringify(other.message);
}

export function listen() {
  const source = new EventSource("/sandbox/events");
  source.addEventListener("open", () => { feed.connected = true; changed(); });
  source.addEventListener("error", () => { feed.connected = false; changed(); });
  source.addEventListener("reset", () => {
    if (seen) feed.offset = 0; // started again, or cleared
    seen = true;
    for (const kind of KINDS) feed[kind].length = 0;
    changed();
  });
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      const entry = JSON.parse(event.data);
      if (kind === "push" || kind === "retry") {
        const before = feed.retry.find((one) => isSamePush(one, entry));
        entry.settled = before?.settled;
        feed.retry = feed.retry.filter((one) => one !== before);
      }
      feed[kind].push({ ...entry, id: `${kind}-${event.lastEventId.split("-")[0]}-${entry.number}` });
      if (feed[kind].length > KEPT) feed[kind].shift();
      changed();
    });
  }
}
