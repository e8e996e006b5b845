// The menu of the account, at the bottom of the conversation as WeChat shows it.
import { get, latest } from "../common/control.js";
import { askFile, askText } from "../common/dialog.js";
import { element } from "../common/dom.js";
import { feed } from "../common/feed.js";
import { PICTURES, sendFile } from "./files.js";
import { T } from "./texts.js";

const PATHS = ["/cgi-bin/menu/", "/cgi-bin/tags/"];
const PLACE = { Location_X: "39.908821", Location_Y: "116.397469", Scale: "16", Label: "Tiananmen" };

// Sends by `conversation`. After a change of its user, `show()` fetches the menu of the new user.
export class Menu {
  constructor(conversation) {
    this.conversation = conversation;
    this.made = element("div", { className: "menu-bar", hidden: true, aria: { role: "group", label: T.menu } });
    this.last = undefined;
    this.fetch = latest((account, openid) => get("/sandbox/menu", { account, openid }).catch(() => ({ buttons: [] })));
    this.made.addEventListener("keydown", (pressed) => { if (pressed.key === "Escape") this.fold(); });
    this.made.addEventListener("focusout", (left) => { if (!this.made.contains(left.relatedTarget)) this.fold(); });
  }

  // Fetches the menu again if a call may have changed it.
  refresh() {
    const last = feed.call.findLast((call) => PATHS.some((path) => call.path.startsWith(path)))?.id;
    if (last !== this.last) this.show();
    this.last = last;
  }

  async show() {
    const { account, openid } = this.conversation;
    const found = await this.fetch(account.name, openid);
    if (!found) return;
    const { buttons } = found;
    this.made.replaceChildren(...buttons.map((button) => (button.sub_button.length ? this.parent(button) : this.leaf(button))));
    this.made.hidden = !buttons.length;
  }

  parent(button) {
    const below = element("div", { className: "sub-menu", hidden: true }, ...button.sub_button.map((one) => this.leaf(one)));
    const open = element("button", { type: "button", textContent: `≡ ${button.name}`, aria: { expanded: "false" }, on: { click: () => {
      const show = below.hidden;
      this.fold();
      below.hidden = !show;
      open.setAttribute("aria-expanded", String(show));
    } } });
    return element("div", { className: "menu-column" }, below, open);
  }

  leaf(button) {
    return element("button", { type: "button", textContent: button.name, on: { click: () => {
      this.fold();
      this.press(button);
    } } });
  }

  fold() {
    for (const below of this.made.querySelectorAll(".sub-menu")) below.hidden = true;
    for (const open of this.made.querySelectorAll("[aria-expanded]")) open.setAttribute("aria-expanded", "false");
  }

  press(button) {
    const { conversation } = this;
    const event = (name, fields) => conversation.send({ type: "event", event: name, fields });
    switch (button.type) {
      case "view": return event("VIEW", { EventKey: button.url });
      case "miniprogram": return event("view_miniprogram", { EventKey: button.pagepath });
      case "click": return event("CLICK", { EventKey: button.key });
      case "scancode_push": case "scancode_waitmsg":
        return askText(button.name, T.code, "sandbox", (code) =>
          event(button.type, { EventKey: button.key, ScanCodeInfo: { ScanType: "qrcode", ScanResult: code } }));
      case "pic_sysphoto": case "pic_photo_or_album": case "pic_weixin":
        return askFile(PICTURES, (file) => sendFile(conversation, "image", file, ({ md5 }) =>
          event(button.type, { EventKey: button.key, SendPicsInfo: { Count: 1, PicList: [{ PicMd5Sum: md5 }] } })));
      case "location_select":
        event("location_select", { EventKey: button.key, SendLocationInfo: { ...PLACE, Poiname: "" } });
        return conversation.send({ type: "location", fields: PLACE });
      default: return conversation.addLine(T.material(button.media_id || button.article_id)); // WeChat sends it by itself
    }
  }
}
