// The conversation that a human has with a user, and the field to answer in.
import { post, upload } from "../common/control.js";
import { askFile } from "../common/dialog.js";
import { arrange, element } from "../common/dom.js";
import { feed } from "../common/feed.js";
import { T as COMMON } from "../common/texts.js";
import { labelOf } from "../common/users.js";
import { ofMessage, ofPush } from "../chat/bubbles.js";
import { PICTURES } from "../chat/files.js";
import { T } from "./texts.js";

export class Desk {
  constructor(act) {
    this.act = act; // runs a request, and shows its error
    this.account = "";
    this.openid = "";
    this.nodes = new Map();
    this.title = element("h2");
    this.log = element("div", { className: "log", tabIndex: 0, aria: { role: "log", live: "polite", label: T.conversation } });
    this.typed = element("textarea", { rows: 2, placeholder: T.answer, aria: { label: T.answer } });
    this.typed.addEventListener("keydown", (pressed) => {
      if (pressed.key !== "Enter" || pressed.shiftKey || pressed.isComposing) return;
      pressed.preventDefault();
      this.answer();
    });
    const button = (textContent, click, className = "") => element("button", { type: "button", textContent, className, on: { click } });
    const buttons = [button(T.picture, () => this.picture()), button(T.close, () => this.close()), button(COMMON.send, () => this.answer(), "primary")];
    this.made = element("section", { className: "desk", hidden: true, aria: { label: T.conversation } },
      this.title, this.log, this.typed, element("div", { className: "row ends" }, ...buttons));
  }

  get user() {
    return { account: this.account, openid: this.openid };
  }

  // Shows the conversation of a user, none for "".
  open(account, openid) {
    if (account === this.account && openid === this.openid) return;
    Object.assign(this, { account, openid, nodes: new Map() });
    this.made.hidden = !openid;
    this.title.textContent = openid ? labelOf(account, openid) : "";
    this.render();
    if (openid) this.typed.focus();
  }

  async answer() {
    const content = this.typed.value.trim();
    if (!content) return;
    this.typed.value = "";
    await this.act(() => post("/sandbox/customer_service/answer", { ...this.user, content: { content } }));
  }

  picture() {
    askFile(PICTURES, (file) => this.act(async () => {
      const { media_id: id } = await upload(this.account, "image", file.name, await file.arrayBuffer());
      await post("/sandbox/customer_service/answer", { ...this.user, type: "image", content: { media_id: id } });
    }));
  }

  close() {
    return this.act(() => post("/sandbox/customer_service/close", this.user));
  }

  // The user's messages since the transfer, and the answers of humans.
  render() {
    if (!this.openid) return;
    const isOurs = (entry) => entry.account === this.account && entry.openid === this.openid;
    const theirs = feed.push.filter((push) => isOurs(push) && push.outcome === "transferred");
    const mine = feed.sent.filter((sent) => isOurs(sent) && sent.agent);
    const all = [...theirs, ...mine].sort((one, other) => one.time - other.time);
    this.nodes = new Map(all.map((entry) => [entry.id, this.nodes.get(entry.id) || this.bubble(entry)]));
    arrange(this.log, [...this.nodes.values()]);
    this.log.scrollTop = this.log.scrollHeight;
  }

  bubble(entry) {
    const content = entry.message ? ofPush(entry.message) : ofMessage(entry);
    return element("article", { className: `message ${entry.message ? "theirs" : "mine"}` }, element("div", { className: "bubble" }, ...content));
  }
}
