// The pages of the guides, in a Mini Program: prints what they show as JSON.
// node docs_visit.js FOLDER STAND_IN PAGES SANDBOX OPENID
"use strict";
const [folder, standInPath, pagesPath, sandbox, openid] = process.argv.slice(2);
const { phone, request } = require(standInPath);
const { start } = require(pagesPath);
const account = "cafe";

async function main() {
  const seen = {};
  const sample = start(folder, phone({ sandbox, account, openid }));
  const order = sample.open("order");
  await order.tap("onOrder");
  seen.order = order.data.text.replace(/\d+$/, "N");

  const delivery = sample.open("delivery");
  await delivery.tap("onDeliver");
  seen.asking = delivery.data.asking;
  const headers = { "Content-Type": "application/json" };
  const { text } = await request(`${sandbox}/sandbox/user_data`, { method: "POST", headers, body: JSON.stringify({ account, openid }) });
  await delivery.tap("onPhone", { detail: { code: JSON.parse(text).phone.code } });
  seen.delivery = [delivery.data.text, delivery.data.asking];

  const cart = sample.open("cart");
  await cart.tap("onAdd");
  seen.cart = (await cart.until(({ items }) => items.length)).items;
  sample.back();
  console.log(JSON.stringify(seen));
  process.exit(0);
}

main().catch((error) => { console.error(error); process.exit(1); });
