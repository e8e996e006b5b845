// A stand-in for `wx.*` in Node: network by Node's own modules, the login code from the sandbox.
"use strict";
const http = require("node:http");
const crypto = require("node:crypto");

function request(url, { method = "GET", headers = {}, body = "" } = {}) {
  return new Promise((resolve, reject) => {
    const sent = http.request(url, { method, headers }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ response, text: Buffer.concat(parts).toString() }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

class SocketTask {
  constructor({ url, protocols }) {
    this._on = {};
    const key = crypto.randomBytes(16).toString("base64");
    const headers = {
      Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
      "Sec-WebSocket-Protocol": protocols.join(", "),
    };
    const sent = http.request(url.replace(/^ws/, "http"), { headers });
    sent.on("upgrade", (_response, socket, head) => this._opened(socket, head));
    sent.on("response", (response) => { response.resume(); this._ended(1006); });
    sent.on("error", () => this._ended(1006));
    sent.end();
  }

  onOpen(handler) { this._on.open = handler; }
  onMessage(handler) { this._on.message = handler; }
  onError(handler) { this._on.error = handler; }
  onClose(handler) { this._on.close = handler; }
  send({ data }) { this._frame(1, Buffer.from(data)); }
  close({ code = 1000 } = {}) { this._frame(8, Buffer.from([code >> 8, code & 255])); }
  mute() { this._muted = true; } // the network is gone, and nobody says so
  cut() { if (this._socket) this._socket.destroy(); } // the network is gone

  _opened(socket, head) {
    this._socket = socket;
    let data = head;
    socket.on("data", (part) => { data = this._frames(Buffer.concat([data, part])); });
    socket.on("close", () => this._ended(this._code || 1006));
    socket.on("error", () => {});
    this._on.open && this._on.open({});
    data = this._frames(data);
  }

  _frames(data) {
    for (;;) {
      if (data.length < 2 || this._muted) return data;
      let length = data[1] & 127, start = 2;
      if (length === 126) { if (data.length < 4) return data; length = data.readUInt16BE(2); start = 4; }
      if (length === 127) { if (data.length < 10) return data; length = Number(data.readBigUInt64BE(2)); start = 10; }
      if (data.length < start + length) return data;
      const kind = data[0] & 15, body = data.subarray(start, start + length);
      if (kind === 1 && !(this.onlyAcks && !body.includes('"ack"'))) this._on.message({ data: body.toString() });
      if (kind === 8) { this._code = body.length >= 2 ? body.readUInt16BE(0) : 1005; this._frame(8, body); this._socket.end(); }
      if (kind === 9) this._frame(10, body);
      if (kind === 1 && this.onPong && "pong" in JSON.parse(body)) this.onPong();
      data = data.subarray(start + length);
    }
  }

  _frame(kind, body) {
    if (!this._socket || this._socket.destroyed || this._muted) return;
    const mask = crypto.randomBytes(4);
    const long = Buffer.alloc(9, 255);
    long.writeBigUInt64BE(BigInt(body.length), 1);
    const size = body.length < 126 ? Buffer.from([128 | body.length])
      : body.length < 65536 ? Buffer.from([254, body.length >> 8, body.length & 255]) : long;
    const masked = Buffer.from(body.map((byte, index) => byte ^ mask[index % 4]));
    this._socket.write(Buffer.concat([Buffer.from([128 | kind]), size, mask, masked]));
  }

  _ended(code) {
    if (this._over) return;
    this._over = true;
    setImmediate(() => this._on.close && this._on.close({ code }));
  }
}

/** Returns `wx` of one phone, whose user has this openid. */
function phone({ sandbox, account, openid, headerCase = (name) => name }) {
  const storage = new Map();
  const device = {
    logins: 0,
    tasks: [],
    login({ success, fail }) {
      device.logins += 1;
      const body = JSON.stringify({ account, openid });
      const headers = { "Content-Type": "application/json" };
      request(`${sandbox}/sandbox/login`, { method: "POST", headers, body })
        .then(({ text }) => success({ code: JSON.parse(text).js_code }), fail);
    },
    request({ url, method, data, header, success, fail }) {
      const body = JSON.stringify(data);
      request(url, { method, headers: { ...header, "Content-Length": Buffer.byteLength(body) }, body })
        .then(({ response, text }) => {
          const named = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [headerCase(name), value]));
          success({ statusCode: response.statusCode, header: named, data: JSON.parse(text) });
        })
        .catch((error) => fail({ errMsg: `request:fail ${error.message}` }));
    },
    connectSocket(options) {
      const task = new SocketTask(options);
      device.tasks.push(task);
      return task;
    },
    // A task of a connection that never comes about.
    deadTask: () => Object.fromEntries(["onOpen", "onMessage", "onError", "onClose", "send", "close"].map((name) => [name, () => {}])),
    getStorageSync: (key) => storage.get(key) || "",
    setStorageSync: (key, value) => storage.set(key, value),
    removeStorageSync: (key) => storage.delete(key),
  };
  return device;
}

module.exports = { phone, request };
