// Everything that happened, as the server-sent events told it, and whoever wants to know.

const KEPT = 1000;
const listeners = new Set();
let scheduled = false;

export const feed = { push: [], sent: [], call: [], connected: false };

export function onChange(listener) {
  listeners.add(listener);
}

// Many events at a time make one change.
export function changed() {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    listeners.forEach((listener) => listener());
  }, 20);
}

export function listen() {
  const source = new EventSource("/sandbox/events");
  source.addEventListener("open", () => { feed.connected = true; changed(); });
  source.addEventListener("error", () => { feed.connected = false; changed(); });
  source.addEventListener("reset", () => {
    for (const kind of ["push", "sent", "call"]) feed[kind].length = 0;
    changed();
  });
  for (const kind of ["push", "sent", "call"]) {
    source.addEventListener(kind, (event) => {
      const entry = JSON.parse(event.data);
      feed[kind].push({ ...entry, id: `${kind}-${event.lastEventId.split("-")[0]}-${entry.number}` });
      if (feed[kind].length > KEPT) feed[kind].shift();
      changed();
    });
  }
}
