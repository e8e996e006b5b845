"use strict";
/**
 * The client of a wxbus gateway for Mini Programs: login on demand, calls, and a socket that resumes.
 *
 *     const { createClient } = require("./wxbus/wxbus");
 *     const wxbus = createClient({ url: "https://api.example.com", account: "mini" });
 *     const receipt = await wxbus.call("orders/create", { item: "tea" });
 *
 * It has no dependencies; `wxbus.d.ts` has the types.
 */
const { WxbusError, challengeOf } = require("./errors");
const { Socket, guarded } = require("./socket");

const STORAGE_KEY = "wxbus.session";
const TIMEOUT = 10000;
const HEARTBEAT = 20000;

/** The promise of a function of the platform, which takes `success` and `fail`. */
async function promised(start) {
  try {
    return await new Promise((success, fail) => { start({ success, fail }); });
  } catch (failure) {
    throw WxbusError.of(failure);
  }
}

class Client {
  constructor(options) {
    if (!options || !options.url || !options.account) throw new TypeError("createClient needs url and account");
    this.platform = options.platform || wx; // eslint-disable-line no-undef
    this.heartbeat = options.heartbeat || HEARTBEAT;
    this._url = options.url.replace(/\/+$/, "");
    this._account = options.account;
    this._onChallenge = options.onChallenge || null;
    this._timeout = options.timeout || TIMEOUT;
    this._storageKey = `${STORAGE_KEY}.${options.account}`;
    this._sockets = new Set();
    this._listeners = new Set();
    this._login = null;
    this._asking = new Map(); // the data that the user is being asked for, with the answer's promise
    this._session = this._stored();
    this._logouts = 0;
    this._logins = 0; // answers to calls before the last login or logout say nothing of the session now
  }

  /** The state of the session; null before the first login. */
  get session() {
    if (!this._session) return null;
    const { token, ...state } = this._session;
    return state;
  }

  /** Calls `listener` with each new state of the session; returns a function that removes it. */
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

  /** Calls a method of a service, `service/method`, and returns its result. Logs in first if necessary. */
  async call(path, body = {}, options = {}) {
    const headers = options.idempotencyKey ? { "Idempotency-Key": options.idempotencyKey } : {};
    const logouts = this._logouts;
    for (let attempts = 1; ; attempts += 1) {
      const token = this._session && this._session.token;
      const response = await this._post(path, body, headers);
      if (response.statusCode !== 401 || attempts > 2) return this._result(response);
      if (logouts !== this._logouts) return this._result(response); // the user has logged out meanwhile
      if (!(await this._fulfil(challengeOf(response), token))) return this._result(response);
    }
  }

  /** Shares the phone number: `event.detail` of the button `getPhoneNumber`. */
  async sharePhone({ code, encryptedData, iv, errMsg }) {
    if (code) await this.call("phone", { code });
    else await this._share("phone", { encryptedData, iv }, errMsg);
  }

  /** Shares the profile: the result of `wx.getUserProfile`. */
  async shareProfile({ encryptedData, iv, rawData, signature, errMsg }) {
    await this._share("user-info", { encryptedData, iv, rawData, signature }, errMsg);
  }

  /** Ends the session on this device, or on all devices of the user, and closes the sockets of this client. */
  async logout({ everywhere = false } = {}) {
    this._logouts += 1;
    for (const socket of [...this._sockets]) socket.close(); // they would log in again
    if (this._login) await this._login.catch(() => {}); // else its session would outlive the logout
    if (!this._session) return;
    const response = await this._post("logout", { everywhere }, {});
    if (response.statusCode !== 401) this._result(response); // else the session has ended already
    this._begin();
  }

  /** Opens the socket; it reconnects and resumes until it is closed. */
  connect(options) {
    const socket = new Socket(this, options);
    this._sockets.add(socket);
    return socket;
  }

  // Used by the socket.

  /** Returns the token of the session; logs in if there is none. */
  async token() {
    if (!this._session) await this.login();
    return this._session.token;
  }

  address(path) {
    return `${this._url}/${this._account}/${path}`;
  }

  /** The session of this token has ended. */
  forget(token) {
    if (this._session && this._session.token === token) this._begin();
  }

  remove(socket) {
    this._sockets.delete(socket);
  }

  async _logIn() {
    const { code } = await promised((done) => this.platform.login(done));
    this._begin();
    this._result(await this._post("login", { code }, {}));
  }

  /** Fulfils a challenge; returns false if that is not possible. */
  async _fulfil(what, token) {
    if (what === "login") {
      const renewed = this._session && this._session.token !== token; // another call has logged in meanwhile
      if (!renewed) await this.login();
      return true;
    }
    if (this._session && this._session[what]) return true; // the user has answered another call meanwhile
    if (!this._onChallenge) return false;
    if (!this._asking.has(what)) { // one question for all calls that wait for the answer
      const asked = (async () => this._onChallenge(what))().finally(() => this._asking.delete(what));
      this._asking.set(what, asked);
    }
    return Boolean(await this._asking.get(what));
  }

  /** Sends data that is encrypted with the session key of the last login: after another login it is worthless. */
  async _share(path, body, errMsg) {
    if (!body.encryptedData) throw new WxbusError(0, { title: errMsg || "the user has shared nothing" });
    const response = await this._post(path, body, {});
    if (response.statusCode === 401 && challengeOf(response) === "login") {
      await this.login();
      throw new WxbusError(401, { ...response.data, title: "The login was too old: ask the user again" }, "login");
    }
    this._result(response);
  }

  async _post(path, body, headers) {
    const sent = { "Content-Type": "application/json", ...headers };
    const token = this._session ? this._session.token : null;
    const logins = this._logins;
    if (token) sent.Authorization = `Bearer ${token}`;
    const request = { url: this.address(path), method: "POST", data: body, header: sent, timeout: this._timeout };
    const response = await promised((done) => { this.platform.request({ ...request, ...done }); });
    if (typeof response.data === "string") {
      try { response.data = JSON.parse(response.data); } catch (error) { response.data = {}; }
    }
    const state = response.data && response.data.session;
    // Answers of concurrent calls arrive in any order: an answer with an old token is older than the new token.
    const isNewer = state && logins === this._logins && (state.token !== token || this._session.token === token);
    if (isNewer) this._keep(state);
    return response;
  }

  _result(response) {
    const { statusCode, data } = response;
    if (statusCode === 200 && data && "result" in data) return data.result;
    if (statusCode === 200) throw new WxbusError(0, { title: "the answer is not the gateway's" }); // a captive portal
    throw new WxbusError(statusCode, data || {}, statusCode === 401 ? challengeOf(response) : undefined);
  }

  /** Starts again without a session. */
  _begin() {
    this._logins += 1;
    this._keep(null);
  }

  /** Keeps the session, in memory only on a phone whose storage fails. */
  _keep(state) {
    this._session = state;
    try {
      if (state) this.platform.setStorageSync(this._storageKey, state);
      else this.platform.removeStorageSync(this._storageKey);
    } catch (error) { /* the next start of the Mini Program logs in again */ }
    for (const listener of [...this._listeners]) guarded(() => listener(this.session));
  }

  _stored() {
    try {
      const found = this.platform.getStorageSync(this._storageKey);
      return found && found.token ? found : null;
    } catch (error) {
      return null;
    }
  }
}

/** Returns a client of the gateway at `url` for the Mini Program `account`. */
function createClient(options) {
  return new Client(options);
}

module.exports = { createClient, WxbusError };
