// A phone to chat with.
import { element } from "../common/dom.js";
import { Conversation } from "./conversation.js";
import { phone } from "./phone.js";
import { T } from "./texts.js";

const KINDS = new Set(["official_account", "mini_program"]);

export const view = {
  id: "chat",
  title: T.chat,
  build(page) {
    const accounts = page.accounts.filter((account) => KINDS.has(account.kind));
    if (!accounts.length) return element("p", { className: "hint", textContent: T.noAccounts });
    return phone(page, new Conversation(page), accounts);
  },
};
