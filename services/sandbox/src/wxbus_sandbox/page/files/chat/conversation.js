// The conversation of one user with one account.
import { ofAttempt } from "../common/failures.js";
import { arrange, element, time } from "../common/dom.js";
import { changed, feed, now } from "../common/feed.js";
import { ofMessage, ofPush, ofReply } from "./bubbles.js";
import { anchor, isWeb } from "./cards.js";
import { discard, pendingOf, send } from "./outgoing.js";
import { T } from "./texts.js";

const TYPING = "/cgi-bin/message/custom/typing";
const TYPING_LASTS = 15;

// A document of an unexpected shape becomes an error line; the rest of the conversation is still shown.
function shown(item) {
  try {
    return item.made();
  } catch (error) {
    return element("p", { className: "note problem", textContent: `${T.unreadable}: ${error.message}` });
  }
}

export class Conversation {
  constructor(page) {
    this.page = page;
    this.account = null;
    this.openid = "";
    this.lines = []; // of the page itself
    this.nodes = new Map();
    this.starting = null;
    this.log = element("div", { className: "log", tabIndex: 0, aria: { role: "log", live: "polite", label: T.messages } });
    this.atEnd = true;
    this.log.addEventListener("scroll", () => { this.atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60; });
    new ResizeObserver(() => this.follow()).observe(this.log);
    this.log.addEventListener("load", () => this.follow(), true); // pictures
    this.say = (content, fields = {}) => this.send({ type: "text", fields: { Content: content, ...fields } });
  }

  send(request) {
    return send(this.page, this.account, this.openid, request);
  }

  // Adds a line of the page itself.
  addLine(text, isProblem = false) {
    this.lines.push({ id: `line-${Math.random()}`, time: now(), made: () => element("p", { className: isProblem ? "note problem" : "note", textContent: text }) });
    changed();
  }

  talk(account, openid) {
    Object.assign(this, { account, openid, lines: [], nodes: new Map(), starting: null, atEnd: true });
    this.log.replaceChildren();
    changed();
  }

  items() {
    const isMine = (entry) => entry.account === this.account.name && entry.openid === this.openid;
    const pushes = feed.push.filter(isMine);
    const items = [
      ...pushes.map((push) => ({ id: push.id, time: push.time, made: () => this.pushed(push) })),
      ...pushes.flatMap((push) => this.answers(push)),
      ...feed.retry.filter(isMine).map((push) => ({ id: push.id, time: push.time, made: () => this.pushed(push, (why) => T.retrying(push.attempts.length, why)) })),
      ...feed.sent.filter(isMine).map((sent) => ({ id: sent.id, time: sent.time, made: () => this.theirs(ofMessage(sent, this.say), sent, sent.agent) })),
      ...pendingOf(this.account.name, this.openid).map((own) => ({ id: own.id + own.error, time: own.time, made: () => this.waiting(own) })),
      ...this.lines,
    ];
    items.sort((one, other) => one.time - other.time);
    return this.isTyping() ? [...items, { id: "typing", made: () => element("p", { className: "note", textContent: T.typing }) }] : items;
  }

  // The answer to a push as the user sees it, at the time of its arrival.
  answers(push) {
    const at = push.time + push.attempts.reduce((sum, attempt) => sum + attempt.ms, 0) / 1000;
    if (push.reply && push.outcome === "replied") {
      return [{ id: `${push.id}-reply`, time: at, made: () => this.theirs(ofReply(push.reply, this.say), push) }];
    }
    const isWithHuman = push.outcome === "transferred" && !push.attempts.length;
    const text = push.shown || (isWithHuman ? T.withHuman : { transferred: T.transferred, ignored: T.ignored }[push.outcome]);
    return text ? [{ id: `${push.id}-note`, time: at, made: () => this.note([text], push) }] : [];
  }

  isTyping() {
    const { account, openid } = this;
    const isReached = (call) => call.appid === account.appid && call.request?.touser === openid && call.answer?.errcode === 0;
    const last = feed.call.findLast((call) => call.path === TYPING && isReached(call));
    const replied = feed.sent.findLast((sent) => sent.account === account.name && sent.openid === openid);
    return last && last.request.command === "Typing" && now() - last.time < TYPING_LASTS && !(replied && replied.time >= last.time);
  }

  pushed(push, describe = T.failed) {
    const failure = push.attempts.length ? ofAttempt(push.attempts.at(-1)) : "";
    const status = failure ? describe(failure) : "";
    if (push.message.MsgType !== "event") return this.bubble("mine", ofPush(push.message), push, status);
    const { Event: name, EventKey: key } = push.message;
    // The web page that WeChat would open.
    const content = name === "VIEW" && isWeb(key) ? [`${name} `, anchor(key, key)] : [[name, key].filter(Boolean).join(" ")];
    return this.note(content, push, status);
  }

  waiting(own) {
    const { request, error } = own;
    const text = request.fields?.Content || request.event || T.types[request.type] || request.type;
    if (!error) return this.bubble("mine waiting", [text], null, T.sending);
    const again = () => { discard(own); this.send(request); };
    const made = this.bubble("mine failed", [text], null, error);
    made.append(element("button", { type: "button", className: "details", textContent: T.tryAgain, on: { click: again } }));
    return made;
  }

  theirs(content, entry, agent = "") {
    return this.bubble("theirs", agent ? [element("small", { className: "agent", textContent: T.human(agent) }), ...content] : content, entry);
  }

  bubble(whose, content, entry, status = "") {
    const made = element("article", { className: `message ${whose}` }, element("div", { className: "bubble" }, ...content));
    if (entry) made.append(this.details(entry));
    if (status) made.append(element("small", { className: "delivery", textContent: status }));
    return made;
  }

  note(content, entry, status = "") {
    const problem = status ? element("small", { className: "delivery", textContent: status }) : null;
    return element("p", { className: "note" }, element("span", {}, ...content), this.details(entry), problem);
  }

  details(entry) {
    const at = time(entry.time);
    const click = () => this.page.pick(entry);
    // Not in the tab order: the list has the same entries.
    return element("button", { type: "button", className: "details", textContent: at, tabIndex: -1, title: T.details, aria: { label: `${T.details}, ${at}` }, on: { click } });
  }

  render() {
    const items = this.items();
    this.nodes = new Map(items.map((item) => [item.id, this.nodes.get(item.id) || shown(item)]));
    arrange(this.log, items.length ? [...this.nodes.values()] : [(this.starting ??= this.first())]);
    this.follow();
  }

  // The start of an empty conversation; the same element until the conversation changes, so that its button keeps the focus.
  first() {
    const hello = element("button", { type: "button", className: "primary", textContent: T.sayHello, on: { click: () => this.say(T.hello) } });
    return element("div", { className: "start" }, element("p", { textContent: T.start(this.account.name) }), hello);
  }

  // Keeps the last message in view, unless the reader has scrolled up.
  follow() {
    if (this.atEnd) this.log.scrollTop = this.log.scrollHeight;
  }
}
