// Phones to chat with, one for each user, side by side.
import { element } from "../common/dom.js";
import { changed } from "../common/feed.js";
import { newUser, usersOf } from "../common/users.js";
import { phone } from "./phone.js";
import { T } from "./texts.js";

const KINDS = new Set(["official_account", "mini_program"]);
const OPEN = "wxbus-phones"; // in the session's storage: a reload keeps the phones

function remembered() {
  try {
    const found = JSON.parse(sessionStorage.getItem(OPEN) || "[]");
    return Array.isArray(found) && found.length ? found : [{}];
  } catch {
    return [{}];
  }
}

function build(page) {
  const accounts = page.accounts.filter((account) => KINDS.has(account.kind));
  if (!accounts.length) return element("p", { className: "hint", textContent: T.noAccounts });
  const phones = element("div", { className: "phones" });
  const talks = new Map();
  const remember = () => {
    sessionStorage.setItem(OPEN, JSON.stringify([...talks.values()]));
    phones.classList.toggle("several", talks.size > 1);
  };

  function add(start) {
    if (start.openid && !usersOf(start.account).includes(start.openid)) usersOf(start.account).push(start.openid);
    const key = Symbol("phone");
    const onTalk = (talk) => { talks.set(key, talk); remember(); };
    const onClose = () => { talks.delete(key); made.remove(); remember(); };
    const made = phone(page, accounts, start, { onTalk, onClose });
    phones.append(made);
    return made;
  }

  // Another user of the current account; users who are known come first.
  function addUser() {
    const { name } = page.account;
    const shown = new Set([...talks.values()].filter(({ account }) => account === name).map(({ openid }) => openid));
    const openid = usersOf(name).find((one) => !shown.has(one)) || newUser(name);
    const made = add({ account: name, openid });
    made.scrollIntoView({ inline: "end", block: "nearest" });
    made.querySelector(".typed").focus();
  }

  remembered().forEach(add);
  setInterval(changed, 5000); // typing indicators end
  const more = element("button", { type: "button", className: "add", textContent: `+ ${T.addUser}`, on: { click: addUser } });
  return element("section", { className: "chat", aria: { label: T.chat } }, phones, more);
}

export const view = { id: "chat", title: T.chat, build };
