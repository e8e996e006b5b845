// Puts the page together.
import { badDay } from "./badday.js";
import { Chat } from "./chat.js";
import { get } from "./control.js";
import { element } from "./dom.js";
import { feed, listen, onChange } from "./feed.js";
import { journal } from "./journal.js";
import { phone } from "./phone.js";
import { T } from "./texts.js";

const CHATS = new Set(["official_account", "mini_program"]);

function views() {
  const buttons = [["chat", T.chat], ["list", T.requests], ["bad-day", T.badDay]].map(([view, text]) =>
    element("button", { type: "button", textContent: text, data: { view }, on: { click: () => { document.body.dataset.view = view; mark(); } } }));
  const mark = () => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.view === document.body.dataset.view)));
  new MutationObserver(mark).observe(document.body, { attributeFilter: ["data-view"] });
  mark();
  return element("nav", { aria: { label: T.views } }, ...buttons);
}

async function main() {
  const { accounts, paths, now } = await get("/sandbox/about");
  feed.offset = now * 1000 - Date.now();
  const book = journal(accounts);
  const chat = new Chat(book.pick);
  const chats = accounts.filter((account) => CHATS.has(account.kind));
  if (!chats.length) throw new Error(T.noAccounts);
  const side = phone(chat, chats);
  const state = element("span", { className: "state", aria: { role: "status" } });
  onChange(() => {
    state.textContent = feed.connected ? T.connected : T.disconnected;
    state.classList.toggle("problem", !feed.connected);
  });
  document.getElementById("app").replaceChildren(
    element("header", { className: "top" }, element("h1", { textContent: T.title }), element("p", { textContent: T.nothingLeaves }), state, views()),
    element("main", {}, side.made, element("div", { className: "beside" }, book.made, badDay(chat, paths, side.account))));
  listen();
  document.getElementById("text").focus();
}

main().catch((error) => { document.getElementById("app").textContent = error.message; });
