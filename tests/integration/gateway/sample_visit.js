// A user of the sample Mini Program: prints what the pages show as JSON.
// node sample_visit.js FOLDER STAND_IN PAGES SANDBOX OPENID
"use strict";
const [folder, standInPath, pagesPath, sandbox, openid] = process.argv.slice(2);
const { phone, request } = require(standInPath);
const { start } = require(pagesPath);
const account = "cafe";

async function main() {
  const seen = {};
  const wx = phone({ sandbox, account, openid });
  const sample = start(folder, wx);

  const shop = sample.open("pages/shop/shop");
  await shop.until(({ items }) => items.every(({ price }) => price));
  seen.prices = [shop.data.items.map(({ price }) => price), wx.logins];
  await shop.tap("onOrder", { item: "tea" });
  seen.order = shop.data.notice.replace(/\d+$/, "N");

  const { request: send } = wx; // the answer to an order is lost
  wx.request = (options) => {
    wx.request = send;
    send({ ...options, success: () => options.fail({ errMsg: "request:fail timeout" }) });
  };
  await shop.tap("onOrder", { item: "coffee" });
  seen.lost = shop.data.notice.replace(/\d+$/, "N");

  let delivery = shop.tap("onDeliver", { item: "tea" });
  await shop.until(({ asking }) => asking);
  shop.tap("onCancel");
  await delivery;
  seen.cancelled = [shop.data.notice, shop.data.busy];
  if (!require(`${folder}/config.js`).sandbox) { // the user of the sandbox never denies
    delivery = shop.tap("onDeliver", { item: "tea" });
    await shop.until(({ asking }) => asking);
    await shop.tap("onPhone", { detail: { errMsg: "getPhoneNumber:fail user deny" } });
    await delivery;
  }
  delivery = shop.tap("onDeliver", { item: "tea" });
  await shop.until(({ asking }) => asking);
  const headers = { "Content-Type": "application/json" };
  const { text } = await request(`${sandbox}/sandbox/user_data`, { method: "POST", headers, body: JSON.stringify({ account, openid }) });
  await shop.tap("onPhone", { detail: { code: JSON.parse(text).phone.code } });
  await delivery;
  seen.delivered = [shop.data.notice, shop.data.asking];

  const texts = ({ lines }) => lines.map((line) => line.text + line.state);
  const first = sample.open("pages/chat/chat");
  first.onInput({ detail: { value: " hello " } });
  await first.onSend();
  await first.until(({ lines }) => lines.length === 2);
  wx.tasks.at(-1).cut();
  await first.until(({ notice }) => notice);
  first.onInput({ detail: { value: "are you there?" } });
  await first.onSend();
  await first.until(({ lines, notice }) => lines.length === 4 && !notice);
  first.onInput({ detail: { value: "bye" } });
  wx.tasks.at(-1).onlyAcks = true; // the answer comes too late for this visit
  await first.onSend();
  seen.first = [texts(first.data), first.data.text];
  sample.back();
  const second = sample.open("pages/chat/chat");
  await second.until(({ lines }) => lines.length);
  seen.second = texts(second.data);
  sample.back();
  seen.logins = wx.logins;
  console.log(JSON.stringify(seen));
  process.exit(0);
}

main().catch((error) => { console.error(error); process.exit(1); });
