// The state that views share: the accounts, the current conversation, the picked entry, and the view beside the chat.
import { get } from "./common/control.js";
import { feed } from "./common/feed.js";

export class Page {
  // Rejects with the error of the sandbox, or of the connection to it.
  static async load() {
    const { accounts, paths, now, gateway } = await get("/sandbox/about");
    feed.offset = now * 1000 - Date.now();
    return new Page(accounts, paths, gateway);
  }

  constructor(accounts, paths, gateway) {
    this.accounts = accounts; // name, appid, kind, modes, formats
    this.paths = paths; // of WeChat's calls
    this.gateway = gateway; // its address, null if the sandbox does not know one
    this.account = accounts[0] || null; // of the current conversation
    this.openid = ""; // the user of the current conversation
    this.copies = 1; // how often each message of the page is pushed
    this.picked = null; // an entry of the feed
    this.views = new Map();
    this.pickListeners = [];
    this.talkListeners = [];
  }

  // `listener` is called with each entry of the feed that the reader picks.
  onPick(listener) {
    this.pickListeners.push(listener);
  }

  // `listener` is called when another conversation becomes the current one.
  onTalk(listener) {
    this.talkListeners.push(listener);
  }

  // `view` shows the entry.
  pick(entry, view = "trace") {
    this.picked = entry;
    for (const listener of this.pickListeners) listener(entry);
    this.show(view);
  }

  talk(account, openid) {
    if (account === this.account && openid === this.openid) return;
    Object.assign(this, { account, openid });
    for (const listener of this.talkListeners) listener();
  }

  accountOf(appid) {
    return this.accounts.find((account) => account.appid === appid);
  }

  get shown() {
    return document.body.dataset.view;
  }

  show(id) {
    document.body.dataset.view = id;
    for (const [name, { section, tab }] of this.views) {
      section.classList.toggle("shown", name === id);
      tab.setAttribute("aria-pressed", String(name === id));
    }
  }

  // Shows a number on the tab of a view, none for 0.
  badge(id, count) {
    const { tab, title } = this.views.get(id);
    tab.textContent = count ? `${title} (${count})` : title;
  }
}
