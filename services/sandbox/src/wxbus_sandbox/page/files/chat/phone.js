// One phone: account and user above, the conversation, the account's menu, and the panel of actions.
import { choice, element, labelled } from "../common/dom.js";
import { onChange } from "../common/feed.js";
import { T as COMMON } from "../common/texts.js";
import { labelOf, newUser, usersOf } from "../common/users.js";
import { actions } from "./actions.js";
import { Conversation } from "./conversation.js";
import { Menu } from "./menu.js";
import { T } from "./texts.js";

const NEW = "";

function composer(conversation, more) {
  const typed = element("textarea", { rows: 1, className: "typed", placeholder: T.message, aria: { label: T.message } });
  function send() {
    const content = typed.value.trim();
    if (!content) return;
    typed.value = "";
    conversation.say(content);
  }
  typed.addEventListener("keydown", (pressed) => {
    if (pressed.key !== "Enter" || pressed.shiftKey || pressed.isComposing) return;
    pressed.preventDefault();
    send();
  });
  const sending = element("button", { type: "button", className: "primary send", textContent: COMMON.send, on: { click: send } });
  return element("div", { className: "composer" }, more, typed, sending);
}

function toggle(panel) {
  const button = element("button", { type: "button", className: "round", textContent: "+", title: T.more, aria: { label: T.more, expanded: "false" }, on: { click: () => {
    panel.hidden = !panel.hidden;
    button.setAttribute("aria-expanded", String(!panel.hidden));
  } } });
  return button;
}

// `start` has the name of an account and an openid; `onTalk` is called when either changes.
export function phone(page, accounts, start, { onTalk, onClose }) {
  const account = element("select", { className: "account" }, ...Object.entries(COMMON.kinds).map(([kind, label]) => {
    const options = accounts.filter((one) => one.kind === kind).map(({ name }) => element("option", { value: name, textContent: name }));
    return options.length ? element("optgroup", { label }, ...options) : null;
  }));
  const user = choice([], { className: "user" });
  const conversation = new Conversation(page);
  const menu = new Menu(conversation);
  const panel = actions(conversation);
  const current = () => accounts.find((one) => one.name === account.value);

  function fillUsers(selected) {
    const options = usersOf(account.value).map((openid) => element("option", { value: openid, textContent: labelOf(account.value, openid), title: openid }));
    user.replaceChildren(...options, element("option", { value: NEW, textContent: `+ ${T.newUser}` }));
    user.value = selected;
  }

  function talk(openid) {
    fillUsers(openid);
    conversation.talk(current(), openid);
    panel.show(current().kind);
    menu.show();
    page.talk(current(), openid);
    onTalk({ account: account.value, openid });
  }

  account.addEventListener("change", () => talk(usersOf(account.value)[0]));
  user.addEventListener("change", () => talk(user.value === NEW ? newUser(account.value) : user.value));
  const end = onChange(() => {
    if (user.options.length !== usersOf(account.value).length + 1) fillUsers(conversation.openid);
    conversation.render();
    menu.refresh();
  });
  const close = element("button", { type: "button", className: "round close", textContent: "×", title: T.close, aria: { label: T.close }, on: { click: () => { end(); onClose(); } } });
  const made = element("article", { className: "phone", aria: { label: T.phone }, on: { focusin: () => page.talk(current(), conversation.openid) } },
    element("header", {}, labelled(COMMON.account, account), labelled(COMMON.user, user), close),
    conversation.log, menu.made, composer(conversation, toggle(panel.made)), panel.made);
  account.value = accounts.some(({ name }) => name === start.account) ? start.account : accounts[0].name;
  talk(start.openid || usersOf(account.value)[0]);
  return made;
}
