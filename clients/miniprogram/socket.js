"use strict";
/** The socket of the client: it lasts longer than its connections. */
const { WxbusError } = require("./errors");

const RETRY_DELAYS = [300, 1000, 3000, 10000, 30000];
const PROTOCOL = "wxbus";
const MAX_WAITING = 1000;
const CLOSE = { LOST: 1006, TOO_LARGE: 1009, BAD_FRAME: 4400, SESSION_ENDED: 4401, TOO_MANY: 4409 };

function newId() {
  const part = () => Math.random().toString(36).slice(2, 12);
  return `${Date.now().toString(36)}-${part()}${part()}`;
}

/** Calls a function of the page. Its error is reported by `App.onError`, and does not stop the socket. */
function guarded(call) {
  try {
    call();
  } catch (error) {
    setTimeout(() => { throw error; });
  }
}

/** One connection: `onFrame` gets each frame; `onEnd` is called once, with the close code and whether it was open. */
class Connection {
  constructor(platform, { url, protocols, heartbeat, onFrame, onEnd }) {
    this._onEnd = onEnd;
    this._opened = false;
    this._over = false;
    this._silent = 0; // heartbeats since something arrived; clocks of phones jump
    this._pulse = setInterval(() => this._beat(), heartbeat);
    const lost = () => this._end(CLOSE.LOST);
    try {
      this._task = platform.connectSocket({ url, protocols, fail: lost });
      this._task.onOpen(() => { this._opened = true; });
      this._task.onMessage(({ data }) => {
        this._silent = 0;
        if (!this._over) onFrame(JSON.parse(data));
      });
      this._task.onError(lost);
      this._task.onClose(({ code }) => this._end(code));
    } catch (error) {
      setTimeout(lost); // too many sockets of this Mini Program, for example
    }
  }

  send(frame) {
    this._task.send({ data: JSON.stringify(frame), fail: () => this.drop() });
  }

  /** Pings the gateway: a lost network does not close the connection. */
  ping() {
    if (this._opened) this.send({ ping: 1 });
  }

  /** Gives the connection up. */
  drop() {
    this.close();
    this._end(CLOSE.LOST);
  }

  close() {
    if (this._task) this._task.close({ code: 1000, fail: () => {} });
  }

  _beat() {
    this._silent += 1;
    if (this._silent >= 2) this.drop();
    else this.ping();
  }

  _end(code) {
    clearInterval(this._pulse);
    if (this._over) return;
    this._over = true;
    this._onEnd(code, this._opened);
  }
}

/** Unacknowledged messages are sent again on the next connection, missed pushes are read again. */
class Socket {
  constructor(client, { position = "" } = {}) {
    this._client = client;
    this._handlers = new Map();
    this._waiting = []; // messages that are not acknowledged, oldest first
    this._position = position;
    this._failures = 0; // consecutive connections without a frame after the greeting
    this._closed = false;
    this._ready = false;
    this._connection = null;
    this._retrying = null;
    this._wake = () => this._woken();
    this._watch("on");
    this._open();
  }

  /** The position of the last push; a new socket may begin there: `connect({ position })`. */
  get position() {
    return this._position;
  }

  /** Adds `handler(body)` for pushes of this name, or for "open", "missed" or "close"; returns a function that removes it. */
  on(name, handler) {
    if (!this._handlers.has(name)) this._handlers.set(name, new Set());
    this._handlers.get(name).add(handler);
    return () => this._handlers.get(name).delete(handler);
  }

  /** Sends a message; resolves when it is stored, and will be handled in order. */
  send(name, body = {}) {
    if (this._closed) return Promise.reject(new WxbusError(0, { title: "the socket is closed" }));
    if (this._waiting.length >= MAX_WAITING) {
      return Promise.reject(new WxbusError(0, { title: `${MAX_WAITING} messages are waiting already` }));
    }
    return new Promise((resolve, reject) => {
      this._waiting.push({ frame: { id: newId(), name, body }, resolve, reject, sent: false });
      this._flush();
    });
  }

  /** Closes the socket for good; unacknowledged messages are rejected. */
  close() {
    this._end(new WxbusError(0, { title: "the socket is closed" }));
    if (this._connection) this._connection.close();
  }

  async _open() {
    this._retrying = null;
    let token;
    try {
      token = await this._client.token();
    } catch (error) {
      return this._retry();
    }
    if (this._closed) return undefined;
    const last = this._position ? `?last=${encodeURIComponent(this._position)}` : "";
    this._connection = new Connection(this._client.platform, {
      url: this._client.address(`socket${last}`).replace(/^http/, "ws"),
      protocols: [PROTOCOL, `token.${token}`],
      heartbeat: this._client.heartbeat,
      onFrame: (frame) => this._take(frame),
      onEnd: (code, opened) => this._ended(code, opened, token),
    });
    return undefined;
  }

  _take(frame) {
    if (frame.hello) {
      this._position = frame.hello.position;
      if (frame.hello.missed) this._emit("missed", {});
      if (this._ready) return; // the gateway has lost pushes meanwhile
      this._ready = true;
      this._emit("open", {});
      for (const message of this._waiting) message.sent = false;
      this._flush();
      return;
    }
    this._failures = 0; // not at the greeting: if a gateway only greets, the delays grow
    if (frame.ack !== undefined) {
      const index = this._waiting.findIndex((message) => message.frame.id === frame.ack);
      if (index >= 0) this._waiting.splice(index, 1)[0].resolve();
    } else if (frame.position) {
      this._position = frame.position;
      this._emit(frame.name, frame.body);
    }
  }

  _flush() {
    for (const message of this._waiting) {
      if (!this._ready) return;
      if (!message.sent) {
        message.sent = true;
        this._connection.send(message.frame);
      }
    }
  }

  async _ended(code, opened, token) {
    this._connection = null;
    this._ready = false;
    if (this._closed) return;
    this._emit("close", { code });
    if (code === CLOSE.TOO_MANY) {
      this._end(new WxbusError(0, { title: "the user has too many sockets" }));
      return;
    }
    if (code === CLOSE.BAD_FRAME || code === CLOSE.TOO_LARGE) { // the gateway refused the oldest message
      const refused = this._waiting.shift();
      if (refused) refused.reject(new WxbusError(0, { title: "the message is refused" }));
    }
    if (code === CLOSE.SESSION_ENDED) this._client.forget(token);
    // A handshake that is refused may be a session that has ended: the platform does not say which.
    if (!opened) await this._client.call("session").catch(() => {}); // logs in if the session has ended
    this._retry();
  }

  _retry() {
    if (this._closed) return;
    const delay = RETRY_DELAYS[Math.min(this._failures, RETRY_DELAYS.length - 1)];
    this._failures += 1;
    this._retrying = setTimeout(() => this._open(), delay * (0.5 + Math.random() / 2));
  }

  /** The Mini Program is in front again, or the network has changed: another attempt may succeed now. */
  _woken() {
    if (this._connection) {
      this._connection.ping();
    } else if (this._retrying !== null) {
      clearTimeout(this._retrying);
      this._failures = 0;
      this._open();
    }
  }

  /** Adds or removes ("on", "off") the listeners that reconnect at once; not every platform has these events. */
  _watch(verb) {
    const { platform } = this._client;
    for (const event of ["AppShow", "NetworkStatusChange"]) {
      if (platform[verb + event]) platform[verb + event](this._wake);
    }
  }

  _end(error) {
    this._closed = true;
    clearTimeout(this._retrying);
    this._watch("off");
    this._client.remove(this);
    for (const message of this._waiting.splice(0)) message.reject(error);
  }

  _emit(name, value) {
    for (const handler of [...(this._handlers.get(name) || [])]) guarded(() => handler(value));
  }
}

module.exports = { Socket, guarded };
