"use strict";
/**
 * The client of a wxbus gateway for Mini Programs: login on demand, calls, and a socket that resumes.
 *
 *     const { createClient } = require("./wxbus");
 *     const wxbus = createClient({ url: "https://api.example.com", account: "mini" });
 *     const receipt = await wxbus.call("orders/create", { item: "tea" });
 *
 * It has no dependencies; `wxbus.d.ts` has the types.
 */

const STORAGE_KEY = "wxbus.session";
const RETRY_DELAYS = [300, 1000, 3000, 10000, 30000];
const PROTOCOL = "wxbus";
const HEARTBEAT = 20000;
const CLOSE = { LOST: 1006, TOO_LARGE: 1009, TRY_LATER: 1013, BAD_FRAME: 4400, SESSION_ENDED: 4401, TOO_MANY: 4409 };

/** An error of the gateway, or of the network (status 0). */
class WxbusError extends Error {
  constructor(status, problem) {
    super(problem.title || `HTTP ${status}`);
    this.name = "WxbusError";
    this.status = status;
    this.type = problem.type || "about:blank";
    this.detail = problem.detail || "";
    this.errors = problem.errors || [];
    this.retryAfter = problem.retry_after;
  }
}

/** What the page must do next; a handler of `onChallenge` may do it. */
const CHALLENGES = { bearer: "login", getuserinfo: "profile", getphonenumber: "phone" };

/** Header names differ in case between platforms. */
function header(headers, name) {
  const wanted = name.toLowerCase();
  const found = Object.keys(headers || {}).find((one) => one.toLowerCase() === wanted);
  const value = found === undefined ? "" : headers[found];
  return Array.isArray(value) ? value[0] : String(value);
}

function challengeOf(response) {
  const scheme = header(response.header, "WWW-Authenticate").split(" ")[0].toLowerCase();
  if (CHALLENGES[scheme]) return CHALLENGES[scheme];
  const type = String((response.data && response.data.type) || ""); // some platforms hide the header
  const match = /^urn:wxbus:problem:(session|profile|phone)-required$/.exec(type);
  return match ? { session: "login", profile: "profile", phone: "phone" }[match[1]] : "login";
}

function newId() {
  const part = () => Math.random().toString(36).slice(2, 12);
  return `${Date.now().toString(36)}-${part()}${part()}`;
}

function promised(start) {
  return new Promise((success, fail) => start({ success, fail }));
}

class Client {
  constructor(options) {
    if (!options || !options.url || !options.account) throw new TypeError("createClient needs url and account");
    this._wx = options.platform || wx; // eslint-disable-line no-undef
    this._url = options.url.replace(/\/+$/, "");
    this._account = options.account;
    this._onChallenge = options.onChallenge || null;
    this._timeout = options.timeout || 10000;
    this._heartbeat = options.heartbeat || HEARTBEAT;
    this._sockets = new Set();
    this._listeners = new Set();
    this._login = null;
    this._session = this._wx.getStorageSync(STORAGE_KEY) || null;
  }

  /** The state of the session; null before the first login. */
  get session() {
    if (!this._session) return null;
    const { token, ...state } = this._session;
    return state;
  }

  /** Calls `listener` with each new state of the session; returns what removes it. */
  onSession(listener) {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  /** Logs in now; calls that run at the same time share one login. */
  login() {
    if (!this._login) {
      this._login = this._logIn().finally(() => { this._login = null; });
    }
    return this._login;
  }

  /** Calls a method of a service, `service/method`, and returns its result. Logs in first if it must. */
  async call(path, body = {}, options = {}) {
    const headers = options.idempotencyKey ? { "Idempotency-Key": options.idempotencyKey } : {};
    let attempts = 0;
    for (;;) {
      const token = this._session && this._session.token;
      const response = await this._post(path, body, headers);
      if (response.statusCode !== 401) return this._result(response);
      const what = challengeOf(response);
      attempts += 1;
      if (attempts > 2 || !(await this._meet(what, token))) return this._result(response);
    }
  }

  /** Shares the phone number: `detail.code` of the button `getPhoneNumber`, or the older encrypted form. */
  async sharePhone(detail) {
    const body = detail.code ? { code: detail.code } : { encryptedData: detail.encryptedData, iv: detail.iv };
    await this.call("phone", body);
  }

  /** Shares the profile: the result of `wx.getUserProfile`. */
  async shareProfile(detail) {
    const { encryptedData, iv, rawData, signature } = detail;
    await this.call("user-info", { encryptedData, iv, rawData, signature });
  }

  /** Ends the session on this device, or on all devices of the user, and closes the sockets of this client. */
  async logout({ everywhere = false } = {}) {
    for (const socket of [...this._sockets]) socket.close(); // they would log in again
    if (this._session) await this._result(await this._post("logout", { everywhere }, {}));
    this._keep(null);
  }

  /** Opens the socket; it reconnects and resumes until it is closed. */
  connect(options = {}) {
    return new Socket(this, options);
  }

  async _logIn() {
    const { code } = await promised((done) => this._wx.login(done));
    this._keep(null);
    this._result(await this._post("login", { code }, {}));
  }

  /** Does what a challenge asks for; false if nobody can. */
  async _meet(what, token) {
    if (what === "login") {
      const renewed = this._session && this._session.token !== token; // another call has logged in meanwhile
      if (!renewed) await this.login();
      return true;
    }
    return this._onChallenge ? Boolean(await this._onChallenge(what)) : false;
  }

  async _post(path, body, headers) {
    const sent = { "Content-Type": "application/json", ...headers };
    const token = this._session ? this._session.token : null;
    if (token) sent.Authorization = `Bearer ${token}`;
    const url = `${this._url}/${this._account}/${path}`;
    let response;
    try {
      response = await promised((done) =>
        this._wx.request({ url, method: "POST", data: body, header: sent, timeout: this._timeout, ...done }));
    } catch (error) {
      throw new WxbusError(0, { title: (error && error.errMsg) || "no answer" });
    }
    if (typeof response.data === "string") {
      try { response.data = JSON.parse(response.data); } catch (error) { response.data = {}; }
    }
    const state = response.data && response.data.session;
    if (state && this._isNews(state, token)) this._keep(state);
    return response;
  }

  /** Whether the state in an answer is newer than what is known: answers of calls at the same time come in any order. */
  _isNews(state, token) {
    if (!this._session) return token === null; // else a logout came between
    return state.token !== token || this._session.token === token;
  }

  _result(response) {
    if (response.statusCode === 200) return response.data.result;
    throw new WxbusError(response.statusCode, response.data || {});
  }

  _keep(state) {
    this._session = state;
    if (state) this._wx.setStorageSync(STORAGE_KEY, state);
    else this._wx.removeStorageSync(STORAGE_KEY);
    for (const listener of this._listeners) listener(this.session);
  }
}

/** A socket that outlives its connections: unacknowledged messages are sent again, missed pushes are read again. */
class Socket {
  constructor(client, options) {
    this._client = client;
    this._wx = client._wx;
    this._handlers = new Map();
    this._waiting = []; // messages that are not acknowledged, oldest first
    this._position = options.position || "";
    this._failures = 0;
    this._closed = false;
    this._task = null;
    client._sockets.add(this);
    this._open();
  }

  /** The position of the last push; a new socket may begin there: `connect({ position })`. */
  get position() {
    return this._position;
  }

  /** Calls `handler(body)` for each push of this name; returns what removes it. Also: "open", "missed", "close". */
  on(name, handler) {
    if (!this._handlers.has(name)) this._handlers.set(name, new Set());
    this._handlers.get(name).add(handler);
    return () => this._handlers.get(name).delete(handler);
  }

  /** Sends a message; resolves when it is stored, and will be handled in order. */
  send(name, body = {}) {
    if (this._closed) return Promise.reject(new WxbusError(0, { title: "the socket is closed" }));
    return new Promise((resolve, reject) => {
      const message = { frame: { id: newId(), name, body }, resolve, reject, sent: false };
      this._waiting.push(message);
      this._flush();
    });
  }

  /** Closes the socket for good; unacknowledged messages are rejected. */
  close() {
    this._end(new WxbusError(0, { title: "the socket is closed" }));
    if (this._task) this._task.close({ code: 1000 });
  }

  async _open() {
    try {
      if (!this._client._session) await this._client.login();
    } catch (error) {
      return this._retry();
    }
    if (this._closed) return;
    const address = this._client._url.replace(/^http/, "ws");
    const last = this._position ? `?last=${encodeURIComponent(this._position)}` : "";
    const task = this._wx.connectSocket({
      url: `${address}/${this._client._account}/socket${last}`,
      protocols: [PROTOCOL, `token.${this._client._session.token}`],
      fail: () => {},
    });
    let opened = false;
    this._task = task;
    this._ready = false;
    let heard = Date.now();
    const left = ({ code }) => {
      clearInterval(pulse);
      if (this._task !== task) return;
      this._task = null;
      this._ready = false;
      // A handshake that is refused may be a session that has ended: the platform does not say which.
      this._left(opened ? code : CLOSE.SESSION_ENDED, opened);
    };
    // A network that is gone, or a gateway that hangs, does not close the connection.
    const pulse = setInterval(() => {
      if (Date.now() - heard >= 2 * this._client._heartbeat) {
        task.close({ code: 1000 });
        left({ code: CLOSE.LOST });
      } else if (this._ready && this._task === task) {
        task.send({ data: JSON.stringify({ ping: 1 }) });
      }
    }, this._client._heartbeat);
    task.onOpen(() => { opened = true; });
    task.onMessage(({ data }) => {
      heard = Date.now();
      if (this._task === task) this._take(JSON.parse(data));
    });
    task.onError(() => {});
    task.onClose(left);
  }

  _take(frame) {
    if (frame.hello) {
      this._failures = 0;
      this._position = frame.hello.position;
      this._ready = true;
      if (frame.hello.missed) this._emit("missed", {});
      this._emit("open", {});
      for (const message of this._waiting) message.sent = false;
      this._flush();
    } else if (frame.ack !== undefined) {
      const index = this._waiting.findIndex((message) => message.frame.id === frame.ack);
      if (index >= 0) this._waiting.splice(index, 1)[0].resolve();
    } else if (frame.position) {
      this._position = frame.position;
      this._emit(frame.name, frame.body);
    }
  }

  _flush() {
    if (!this._ready) return;
    for (const message of this._waiting) {
      if (!message.sent) {
        message.sent = true;
        this._task.send({ data: JSON.stringify(message.frame) });
      }
    }
  }

  async _left(code, opened) {
    if (this._closed) return;
    this._emit("close", { code });
    if (code === CLOSE.TOO_MANY) return this._end(new WxbusError(0, { title: "the user has too many sockets" }));
    if (code === CLOSE.BAD_FRAME || code === CLOSE.TOO_LARGE) { // the oldest message is the one that was refused
      const refused = this._waiting.shift();
      if (refused) refused.reject(new WxbusError(0, { title: "the message is refused" }));
    }
    if (code === CLOSE.SESSION_ENDED) {
      if (opened) this._client._keep(null);
      else await this._client.call("session").catch(() => {}); // logs in if the session has ended
    }
    this._retry();
  }

  _retry() {
    const delay = RETRY_DELAYS[Math.min(this._failures, RETRY_DELAYS.length - 1)];
    this._failures += 1;
    setTimeout(() => { if (!this._closed) this._open(); }, delay * (0.5 + Math.random() / 2));
  }

  _end(error) {
    this._closed = true;
    this._client._sockets.delete(this);
    for (const message of this._waiting.splice(0)) message.reject(error);
  }

  _emit(name, value) {
    for (const handler of this._handlers.get(name) || []) handler(value);
  }
}

/** Returns a client of the gateway at `url` for the Mini Program `account`. */
function createClient(options) {
  return new Client(options);
}

module.exports = { createClient, WxbusError };
