"use strict";
/** Errors of the client, and the missing step that a 401 names. */

/** Schemes of `WWW-Authenticate`, and ends of the `type` of problem documents. */
const SCHEMES = { bearer: "login", getuserinfo: "profile", getphonenumber: "phone" };
const TYPES = { session: "login", profile: "profile", phone: "phone" };

/** Header names differ in case between platforms. */
function header(headers, name) {
  const wanted = name.toLowerCase();
  const found = Object.keys(headers || {}).find((one) => one.toLowerCase() === wanted);
  const value = found === undefined ? "" : headers[found];
  return String(Array.isArray(value) ? value[0] : value);
}

/** Returns the step that a 401 asks for: "login", "profile" or "phone". */
function challengeOf(response) {
  const scheme = header(response.header, "WWW-Authenticate").split(" ")[0].toLowerCase();
  if (SCHEMES[scheme]) return SCHEMES[scheme];
  const type = String((response.data && response.data.type) || ""); // some platforms hide the header
  const match = /^urn:wxbus:problem:(session|profile|phone)-required$/.exec(type);
  return match ? TYPES[match[1]] : "login";
}

/** An error of the gateway, or of the phone or the network (status 0). */
class WxbusError extends Error {
  constructor(status, problem, challenge) {
    super(problem.title || `HTTP ${status}`);
    this.name = "WxbusError";
    this.status = status;
    this.type = problem.type || "about:blank";
    this.detail = problem.detail || "";
    this.errors = problem.errors || [];
    this.retryAfter = problem.retry_after;
    this.challenge = challenge;
  }

  /** The error of a function of the platform, which gives `{ errMsg }`. */
  static of(failure) {
    return new WxbusError(0, { title: (failure && (failure.errMsg || failure.message)) || "no answer" });
  }
}

module.exports = { WxbusError, challengeOf };
