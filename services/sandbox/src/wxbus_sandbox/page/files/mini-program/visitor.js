// A user in a Mini Program, who calls the gateway. `onExchange` gets each exchange: the request and the answer.
import { post } from "../common/control.js";
import { T } from "./texts.js";

const shown = (value) => JSON.stringify(value, (key, inner) => (key === "token" ? "***" : inner), 1);

export class Visitor {
  constructor(gateway, account, openid, onExchange) {
    Object.assign(this, { gateway, account, openid, onExchange });
    this.session = null; // the state in the last answer, with the token
    this.socket = null;
    this.position = ""; // of the last push
    this.names = new Map(); // of the messages sent, by their ids
  }

  async login() {
    const { js_code: code } = await this.control("login");
    this.session = null;
    await this.call("login", { code });
  }

  async shareProfile() {
    await this.call("user-info", (await this.control("user_data")).user_info);
  }

  // By the code of the button, or in the older form, encrypted with the session key of the last login.
  async sharePhone(number, older) {
    const { code, ...encrypted } = (await this.control("user_data", { phone: number })).phone;
    await this.call("phone", older ? encrypted : { code });
  }

  async renewKey() {
    await this.control("session_key");
    this.report("wx.login", T.keyRenewed, "", null);
  }

  async logout() {
    await this.call("logout", {});
    this.session = null;
  }

  // Calls a method. Refusals are exchanges, too; only a gateway that does not answer is an error.
  async call(path, body) {
    const headers = { "Content-Type": "application/json" };
    if (this.session) headers.Authorization = `Bearer ${this.session.token}`;
    const url = `${this.gateway}/${this.account}/${path}`;
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => {
      throw new Error(T.noGateway(this.gateway));
    });
    const answer = await response.json();
    this.session = answer.session || this.session;
    const scheme = (response.headers.get("WWW-Authenticate") || "").split(" ")[0];
    if (response.status === 401 && scheme === "Bearer") this.session = null;
    this.report(`POST ${path}`, `${response.status} ${scheme}`, response.ok ? "" : T.next[scheme] || answer.title, answer, body);
  }

  // Resolves when the socket is open; it continues after the last push.
  connect() {
    const last = this.position ? `?last=${encodeURIComponent(this.position)}` : "";
    const address = `${this.gateway.replace(/^http/, "ws")}/${this.account}/socket${last}`;
    const socket = new WebSocket(address, ["wxbus", `token.${this.session ? this.session.token : ""}`]);
    return new Promise((go, fail) => {
      socket.addEventListener("message", ({ data }) => {
        const frame = JSON.parse(data);
        if (frame.hello) go();
        this.take(frame);
      });
      socket.addEventListener("open", () => { this.socket = socket; });
      socket.addEventListener("close", ({ code, reason }) => {
        if (this.socket !== socket) return fail(new Error(T.noSocket));
        this.socket = null;
        return this.report("WebSocket", `${T.closed} ${code}`, reason, null);
      });
    });
  }

  take(frame) {
    this.position = frame.position || frame.hello?.position || this.position;
    if (frame.hello) this.report("WebSocket", T.open, frame.hello.missed ? T.missed : "", null);
    else if (frame.ack) this.report(`WebSocket ${this.names.get(frame.ack)}`, T.stored, "", null);
    else if (frame.name) this.report(`WebSocket ${frame.name}`, T.push, "", frame.body);
  }

  async send(name, body) {
    if (!this.socket) await this.connect();
    const id = `${Date.now().toString(36)}-${this.names.size}`;
    this.names.set(id, name);
    this.socket.send(JSON.stringify({ id, name, body }));
    this.report(`WebSocket ${name}`, T.sent, "", null, body);
  }

  disconnect() {
    if (this.socket) this.socket.close();
  }

  control(path, more = {}) {
    return post(`/sandbox/${path}`, { account: this.account, openid: this.openid, ...more });
  }

  report(what, outcome, hint, answer, request = null) {
    this.onExchange({ time: Date.now() / 1000, what, outcome: outcome.trim(), hint, answer: answer && shown(answer), request: request && shown(request) });
  }
}

// The methods of the gateway's services: path, description and a body to begin with.
export async function methods(gateway, account) {
  const { paths, components } = await (await fetch(`${gateway}/${account}/openapi.json`)).json();
  const resolved = (schema) => (schema.$ref ? components.schemas[schema.$ref.split("/").pop()] : schema);
  return Object.entries(paths).filter(([, { post: method }]) => method?.tags?.[0] !== "session").map(([path, { post: method }]) => {
    const { properties = {}, required = [] } = resolved(method.requestBody.content["application/json"].schema);
    const body = Object.fromEntries(required.map((name) => [name, example(resolved(properties[name]))]));
    return { path: path.split("/").slice(2).join("/"), text: method.description, body };
  });
}

function example(schema) {
  if (schema.examples) return schema.examples[0];
  if (schema.enum) return schema.enum[0];
  return { string: "tea", integer: schema.minimum ?? 1, number: 1, boolean: true, array: [], object: {} }[schema.type] ?? null;
}
