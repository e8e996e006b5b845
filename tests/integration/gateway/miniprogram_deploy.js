// Chats and calls while the gateway is deployed anew: says "halfway" on the way, prints what it saw as JSON.
// node miniprogram_deploy.js CLIENT STAND_IN GATEWAY SANDBOX
"use strict";
const [clientPath, standInPath, gateway, sandbox] = process.argv.slice(2);
const { createClient } = require(clientPath);
const { phone } = require(standInPath);

async function main() {
  const wx = phone({ sandbox, account: "cafe", openid: "oDeploy000000000000000000001" });
  const client = createClient({ url: gateway, account: "cafe", platform: wx });
  const tokens = new Set();
  client.onSession(() => tokens.add(wx.getStorageSync("wxbus.session.cafe").token));

  // One order after another, each repeated with its key until it has an answer.
  const receipts = [];
  async function order(number) {
    for (;;) {
      try {
        const { text } = await client.call("orders/create", { item: "tea", count: number }, { idempotencyKey: `order-${number}` });
        return receipts.push(text.split(" ")[0]);
      } catch (error) {
        if (error.status !== 0 && error.status !== 503) throw error;
        await new Promise((go) => { setTimeout(go, 20); });
      }
    }
  }

  const socket = client.connect(), counts = [];
  let sent = 0, missed = 0, onPush = () => {};
  socket.on("missed", () => { missed += 1; });
  socket.on("cart", ({ items }) => { counts.push(items.length); onPush(); });
  const say = () => socket.send("cart.add", { item: `item ${sent += 1}` });

  for (let number = 1; number <= 10; number += 1) {
    await Promise.all([say(), order(number), order(number + 10), order(number + 20)]);
  }
  let closed = false;
  const closing = new Promise((go) => socket.on("close", () => { closed = true; go(); }));
  console.log("halfway");
  while (!closed) await Promise.race([say(), closing]);
  await Promise.all([31, 32, 33].map(order).concat(Array.from({ length: 10 }, say)));
  while (counts.length < sent) await new Promise((go) => { onPush = go; });
  console.log(JSON.stringify({
    inOrder: counts.every((count, index) => count === index + 1),
    missed, orders: receipts.length, logins: wx.logins, renewed: tokens.size > 2, again: wx.tasks.length > 1,
  }));
  process.exit(0);
}

main().catch((error) => { console.error(error); process.exit(1); });
