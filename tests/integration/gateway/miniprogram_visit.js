// What a Mini Program does with the client: prints what it saw as JSON. node miniprogram_visit.js CLIENT STAND_IN GATEWAY SANDBOX
"use strict";
const [clientPath, standInPath, gateway, sandbox] = process.argv.slice(2);
const { createClient, WxbusError } = require(clientPath);
const { phone, request } = require(standInPath);
const account = "cafe", openid = "oClient0000000000000000000001";

async function shared() {
  const headers = { "Content-Type": "application/json" };
  const { text } = await request(`${sandbox}/sandbox/user_data`, { method: "POST", headers, body: JSON.stringify({ account, openid }) });
  return JSON.parse(text);
}

function until(socket, name) {
  return new Promise((resolve) => { const off = socket.on(name, (body) => { off(); resolve(body); }); });
}

async function main() {
  const seen = {};
  const wx = phone({ sandbox, account, openid, headerCase: (name) => name.toUpperCase() });
  const asked = [];
  const client = createClient({
    url: gateway, account, platform: wx, heartbeat: 1000,
    onChallenge: async (what) => { asked.push(what); await client.sharePhone({ code: (await shared()).phone.code }); return true; },
  });
  const states = [];
  client.onSession((state) => states.push(state && state.phone));

  const created = await Promise.all([1, 2, 3, 4, 5].map((count) => client.call("orders/create", { item: "tea", count })));
  seen.logins = wx.logins;
  seen.created = created.map(({ text }) => text.split(" ")[0]);
  seen.delivered = (await client.call("orders/deliver", { item: "tea" })).text;
  seen.asked = asked;
  seen.phone = client.session.phone;
  const error = await client.call("orders/create", { item: "" }).catch((one) => one);
  seen.error = [error instanceof WxbusError, error.status, error.errors.map(({ field }) => field)];

  const socket = client.connect();
  const pushes = [];
  socket.on("cart", ({ items }) => pushes.push(items.length));
  await until(socket, "open");
  await Promise.all(["a", "b", "c"].map((item) => socket.send("cart.add", { item })));
  wx.tasks[0].cut(); // the network is gone while messages are on their way
  const sending = ["d", "e", "f"].map((item) => socket.send("cart.add", { item }));
  await Promise.all(sending);
  while (pushes.length < 6) await until(socket, "cart");
  seen.pushes = pushes;
  seen.connections = wx.tasks.length;
  const refused = await socket.send("cart.add", { item: "x".repeat(70000) }).catch((one) => one.message);
  await until(socket, "open");
  wx.tasks[wx.tasks.length - 1].mute();
  await socket.send("none", {});
  seen.refused = [refused, wx.tasks.length - seen.connections >= 2]; // a slow machine may lose more

  await client.call("session");
  const stale = createClient({ url: gateway, account, platform: wx }); // the session is in the storage
  seen.resumed = [(await stale.call("orders/price", { item: "tea" })).text, wx.logins];
  const late = client.call("session"); // answered after the logout has begun
  const unsent = client.connect().send("none").catch((one) => one.message);
  await client.logout();
  await late.catch(() => {});
  seen.logout = [await unsent, await socket.send("none").catch((one) => one.message)];
  seen.after_logout = [client.session, (await client.call("orders/create", { item: "tea" })).text.split(" ")[1], wx.logins];
  console.log(JSON.stringify(seen));
  process.exit(0);
}

main().catch((error) => { console.error(error); process.exit(1); });
