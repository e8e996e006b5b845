// The conversation of one user with one account, and the messages on their way.
import { ofMessage, ofPush, ofReply, ofTemplate } from "./bubbles.js";
import { post } from "../common/control.js";
import { arrange, element, time } from "../common/dom.js";
import { changed, feed, now } from "../common/feed.js";
import { T as COMMON } from "../common/texts.js";
import { T } from "./texts.js";

const TEMPLATES = new Set(["/cgi-bin/message/template/send", "/cgi-bin/message/subscribe/send", "/cgi-bin/message/subscribe/bizsend"]);
const TYPING = "/cgi-bin/message/custom/typing";
const TYPING_LASTS = 15;

// A document of an unexpected shape is a line of its own, and leaves the rest of the conversation as it is.
function shown(item) {
  try {
    return item.made();
  } catch (error) {
    return element("p", { className: "note problem", textContent: `${T.unreadable}: ${error.message}` });
  }
}

export class Conversation {
  constructor(page) {
    this.account = null;
    this.openid = "";
    this.pending = [];
    this.page = page;
    this.nodes = new Map();
    this.log = element("div", { className: "log", tabIndex: 0, aria: { role: "log", live: "polite", label: T.messages } });
    this.atEnd = true;
    this.log.addEventListener("scroll", () => { this.atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60; });
    new ResizeObserver(() => this.follow()).observe(this.log);
    this.log.addEventListener("load", () => this.follow(), true); // pictures
    this.say = (content, fields = {}) => this.send({ type: "text", fields: { Content: content, ...fields } });
  }

  // Sends as the user; the returned promise ends when WeChat would stop pushing. Failures are lines of the conversation.
  async send(request) {
    const { name } = this.account;
    const own = { id: `own-${Math.random()}`, account: name, openid: this.openid, request, time: now(), error: "" };
    this.pending.push(own);
    changed();
    try {
      await post("/sandbox/send", { account: name, openid: own.openid, copies: this.page.copies, ...request });
      this.pending = this.pending.filter((one) => one !== own);
    } catch (error) {
      own.error = error instanceof TypeError ? COMMON.disconnected : error.message; // fetch has no other sign of a lost connection
    }
    changed();
  }

  // A push that came by the events replaces the oldest message on its way of the same kind.
  settle(push) {
    const kind = (one) => one.event || one.type;
    const name = push.message.Event || push.message.MsgType;
    const sender = (one) => one.account === push.account && one.openid === push.openid;
    const found = this.pending.findIndex((one) => !one.error && sender(one) && kind(one.request) === name);
    if (found >= 0) this.pending.splice(found, 1);
  }

  items() {
    const mine = (entry) => entry.account === this.account.name && entry.openid === this.openid;
    const items = [];
    for (const push of [...feed.push, ...feed.retry].filter(mine)) {
      if (!push.settled) this.settle(push);
      push.settled = true;
    }
    for (const push of feed.push.filter(mine)) items.push({ id: push.id, time: push.time, made: () => this.sent(push) }, ...this.answers(push));
    for (const sent of feed.sent.filter(mine)) {
      items.push({ id: sent.id, time: sent.time, made: () => this.bubble("theirs", ofMessage(sent, this.say), sent) });
    }
    for (const call of feed.call.filter((one) => TEMPLATES.has(one.path) && this.reached(one))) {
      items.push({ id: call.id, time: call.time, made: () => this.bubble("theirs", ofTemplate(call.request), call) });
    }
    for (const push of feed.retry.filter(mine)) {
      items.push({ id: push.id, time: push.time, made: () => this.sent(push, T.retrying(push.attempts.length)) });
    }
    const waiting = this.pending.filter(mine).map((own) => ({ id: own.id + own.error, time: own.time, made: () => this.waiting(own) }));
    items.push(...waiting);
    items.sort((one, other) => one.time - other.time);
    return [...items, ...(this.typing() ? [{ id: "typing", made: () => element("p", { className: "note", textContent: T.typing }) }] : [])];
  }

  // What the user sees of the answer to a push, after the time that it took.
  answers(push) {
    const at = push.time + push.attempts.reduce((sum, attempt) => sum + attempt.ms, 0) / 1000;
    if (push.reply && push.outcome === "replied") {
      return [{ id: `${push.id}-reply`, time: at, made: () => this.bubble("theirs", ofReply(push.reply, this.say), push) }];
    }
    const text = push.shown || { transferred: T.transferred, ignored: T.ignored }[push.outcome];
    return text ? [{ id: `${push.id}-note`, time: at, made: () => this.note(text, push) }] : [];
  }

  // Whether WeChat accepted a call that concerns the user.
  reached(call) {
    return call.appid === this.account.appid && call.request?.touser === this.openid && call.answer?.errcode === 0;
  }

  typing() {
    const last = feed.call.findLast((call) => call.path === TYPING && this.reached(call));
    const replied = feed.sent.findLast((sent) => sent.account === this.account.name && sent.openid === this.openid);
    return last && last.request.command === "Typing" && now() - last.time < TYPING_LASTS && !(replied && replied.time >= last.time);
  }

  sent(push, outlook = T.failedPush) {
    const failed = push.outcome === "failed" || push.outcome === "invalid";
    const status = failed ? `${outlook}: ${(push.attempts.at(-1) || {}).reason || ""}` : "";
    if (push.message.MsgType !== "event") return this.bubble("mine", ofPush(push.message), push, status);
    const name = [push.message.Event, push.message.EventKey].filter(Boolean).join(" ");
    return this.note(status ? `${name} (${status})` : name, push);
  }

  waiting(own) {
    const { request, error } = own;
    const text = request.fields?.Content || request.event || T[request.type] || request.type;
    return this.bubble(error ? "mine failed" : "mine waiting", [text], null, error || T.sending);
  }

  bubble(whose, content, entry, status = "") {
    const made = element("article", { className: `message ${whose}` }, element("div", { className: "bubble" }, ...content));
    if (status) made.append(element("small", { className: "delivery", textContent: status }));
    if (entry) made.append(this.details(entry));
    return made;
  }

  note(text, entry) {
    return element("p", { className: "note" }, element("span", { textContent: text }), this.details(entry));
  }

  details(entry) {
    const at = time(entry.time);
    const click = () => this.page.pick(entry);
    // No stop of the Tab key: the list has the same entries.
    return element("button", { type: "button", className: "details", textContent: at, tabIndex: -1, title: T.details, aria: { label: `${T.details}, ${at}` }, on: { click } });
  }

  render() {
    const { log } = this;
    const items = this.items();
    const kept = new Map(items.map((item) => [item.id, this.nodes.get(item.id) || shown(item)]));
    this.nodes = kept;
    arrange(log, items.length ? [...kept.values()] : [element("p", { className: "note", textContent: T.empty })]);
    this.follow();
  }

  // Keeps the last message in view, unless the reader has scrolled up.
  follow() {
    if (this.atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  talk(account, openid) {
    Object.assign(this, { account, openid, nodes: new Map(), atEnd: true });
    this.log.replaceChildren();
    changed();
  }
}
