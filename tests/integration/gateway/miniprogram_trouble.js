// What goes wrong on phones: prints what the client made of it as JSON.
// node miniprogram_trouble.js CLIENT STAND_IN GATEWAY SANDBOX
"use strict";
const [clientPath, standInPath, gateway, sandbox] = process.argv.slice(2);
const { createClient } = require(clientPath);
const { phone, request } = require(standInPath);
const account = "cafe";
const seen = {};
const reported = []; // what `App.onError` would get
process.on("uncaughtException", (error) => reported.push(error.message));

function device(name, changes = {}) {
  return Object.assign(phone({ sandbox, account, openid: `oTrouble${name}000000000000000000`.slice(0, 28) }), changes);
}

function of(platform, options = {}) {
  return createClient({ url: gateway, account, platform, ...options });
}

async function play(path, openid) {
  const headers = { "Content-Type": "application/json" };
  const { text } = await request(`${sandbox}${path}`, { method: "POST", headers, body: JSON.stringify({ account, openid }) });
  return JSON.parse(text);
}

const failure = (promise) => promise.then(() => "done", (error) => [error.constructor.name, error.status, error.message]);
const until = (socket, name) => new Promise((resolve) => { const off = socket.on(name, (body) => { off(); resolve(body); }); });
const tea = { item: "tea" };

// Makes the next call of a function fail.
function once(platform, name, instead) {
  const real = platform[name];
  platform[name] = (options) => { platform[name] = real; return instead(options, real); };
}

async function storage() {
  const full = () => { throw new Error("setStorageSync:fail exceed storage max size"); };
  const wx = device("Full", { getStorageSync: full, setStorageSync: full, removeStorageSync: full });
  const client = of(wx);
  await client.call("orders/create", tea);
  await client.call("orders/create", tea);
  seen.storage = [wx.logins, client.session.phone];
}

async function network() {
  const wx = device("Network"), client = of(wx);
  once(wx, "login", ({ fail }) => fail({ errMsg: "login:fail timeout" }));
  seen.noLogin = await failure(client.call("orders/create", tea));
  await client.call("orders/create", tea);
  once(wx, "request", ({ fail }) => fail({ errMsg: "request:fail timeout" }));
  seen.noAnswer = await failure(client.call("orders/create", tea));
  once(wx, "request", () => { throw new Error("request:fail url not in domain list"); });
  seen.refused = await failure(client.call("orders/create", tea));
  once(wx, "request", ({ success }) => success({ statusCode: 200, header: {}, data: "<html>Welcome to our hotel</html>" }));
  seen.hotel = await failure(client.call("orders/create", tea));
  seen.afterwards = [await failure(client.call("orders/create", tea)), wx.logins];
}

async function challenges() {
  const openid = "oTroubleChallenge00000000000", wx = phone({ sandbox, account, openid });
  let asked = 0;
  const client = of(wx, { onChallenge: async () => {
    asked += 1;
    await client.sharePhone({ code: (await play("/sandbox/user_data", openid)).phone.code });
    return true;
  } });
  await Promise.all([1, 2, 3, 4].map(() => client.call("orders/deliver", tea)));
  seen.asked = asked;
  const other = of(device("Denied"));
  await other.login();
  seen.denied = await failure(other.sharePhone({ errMsg: "getPhoneNumber:fail user deny" }));
  seen.challenge = await other.call("orders/deliver", tea).catch((error) => error.challenge);
  await play("/sandbox/session_key", openid); // as at a login elsewhere
  const { user_info: profile } = await play("/sandbox/user_data", openid);
  seen.stale = await failure(client.shareProfile(profile));
  seen.again = await failure(client.shareProfile((await play("/sandbox/user_data", openid)).user_info));
}

async function lateAnswers() {
  const wx = device("Late"), client = of(wx);
  await client.call("session");
  const held = new Promise((release) => once(wx, "request", (options, real) => {
    real({ ...options, success: (response) => release(() => options.success(response)) });
  }));
  const late = client.call("session");
  const answer = await held;
  await of(wx).logout({ everywhere: true }); // by another page
  await client.logout();
  await client.call("session");
  const { expires_in: before, ...state } = client.session, token = wx.getStorageSync(`wxbus.session.${account}`).token;
  answer();
  await late;
  seen.late = [wx.getStorageSync(`wxbus.session.${account}`).token === token, state.phone];

  const unsent = new Promise((release) => once(wx, "request", (options, real) => release(() => real(options))));
  const overtaken = failure(client.call("session")), send = await unsent;
  await client.logout();
  send();
  const [, status] = await overtaken;
  const asked = new Promise((release) => once(wx, "login", (options, real) => release(() => real(options))));
  const again = client.login(), go = await asked; // still under way when the user logs out
  const left = client.logout();
  go();
  await Promise.all([again, left]);
  seen.loggedOut = [status, client.session, wx.logins];
}

async function sockets() {
  const wx = device("Socket"), client = of(wx);
  let beat; // heartbeats come when the test says so
  globalThis.setInterval = (call) => { beat = call; return null; };
  const listeners = new Set();
  Object.assign(wx, { onNetworkStatusChange: (one) => listeners.add(one), offNetworkStatusChange: (one) => listeners.delete(one) });
  once(wx, "connectSocket", () => { throw new Error("connectSocket:fail"); });
  const socket = client.connect();
  socket.on("open", () => { throw new Error("a mistake of the page"); });
  const pushed = until(socket, "cart");
  await socket.send("cart.add", tea);
  await pushed;
  seen.sent = [wx.tasks.length, reported.splice(0)];

  const { now } = Date;
  for (const jump of [3600e3, -3600e3]) {
    Date.now = () => now() + jump;
    for (let beats = 0; beats < 3; beats += 1) {
      const answered = new Promise((go) => { wx.tasks.at(-1).onPong = go; });
      beat();
      await answered;
    }
  }
  Date.now = now;
  seen.clock = wx.tasks.length;

  // With long delays that never end, only the news of a network brings the socket back.
  const { setTimeout: real } = globalThis;
  let waits;
  const waiting = new Promise((go) => { waits = go; });
  globalThis.setTimeout = (call, delay) => (delay < 5000 ? real(call, Math.min(delay, 5)) : waits());
  const { connectSocket } = wx;
  wx.connectSocket = ({ fail }) => { real(() => fail({ errMsg: "connectSocket:fail" })); return wx.deadTask(); };
  wx.tasks.at(-1).cut();
  await waiting;
  wx.connectSocket = connectSocket;
  const open = until(socket, "open");
  for (const listener of [...listeners]) listener({ isConnected: true });
  await open;
  globalThis.setTimeout = real;
  seen.woken = await failure(socket.send("cart.add", tea));
  socket.close();
  seen.closed = [listeners.size, await failure(socket.send("cart.add", tea))];
}

async function main() {
  for (const part of [storage, network, challenges, lateAnswers, sockets]) await part();
  console.log(JSON.stringify(seen));
  process.exit(0);
}

main().catch((error) => { console.error(error, seen); process.exit(1); });
