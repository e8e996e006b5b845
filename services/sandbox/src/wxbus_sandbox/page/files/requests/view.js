// All callbacks and calls as they come, with a filter, and the document of the picked one.
import { post } from "../common/control.js";
import { arrange, element, pretty, time } from "../common/dom.js";
import { changed, feed, onChange } from "../common/feed.js";
import { T } from "./texts.js";

const SHOWN = 300;
const MESSAGES = "/cgi-bin/message/custom/";
const OWN_FIELDS = new Set(["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "MsgId", "AgentID"]);

function line(entry) {
  if (entry.message) {
    const { message, attempts } = entry;
    const what = [message.Event || message.MsgType || message.InfoType, message.Content || message.EventKey].filter(Boolean).join(" ");
    return { kind: T.callback, who: entry.account, what, status: attempts.at(-1)?.status ?? T.cut, count: T.attempts(attempts.length),
      ms: attempts.at(-1)?.ms, outcome: T.outcomes[entry.outcome], failed: entry.outcome === "failed" || entry.outcome === "invalid" };
  }
  const errcode = entry.answer?.errcode;
  return { kind: T.call, who: entry.account, what: entry.path, status: entry.status ?? T.cut, count: entry.method, ms: entry.ms,
    outcome: errcode === undefined ? "" : errcode === 0 ? "ok" : String(errcode), failed: entry.status !== 200 || Boolean(errcode) };
}

function parts(entry) {
  if (entry.message) {
    return [[T.pushed, entry.message], [T.answers, entry.attempts], entry.reply ? [T.reply, entry.reply] : null].filter(Boolean);
  }
  const all = [[T.query, entry.query], [T.request, entry.request], [T.answer, entry.answer]];
  return all.filter(([, value]) => value !== "" && JSON.stringify(value) !== "{}");
}

function build(page) {
  const rows = new Map();
  let picked = null;
  const filter = element("input", { type: "search", id: "filter", placeholder: T.filterHint, aria: { label: T.filter }, on: { input: changed } });
  const list = element("div", { className: "lines", aria: { role: "group", label: T.list } });
  const panel = element("section", { className: "document", tabIndex: -1, aria: { label: T.document } }, element("p", { className: "hint", textContent: T.pick }));

  // The list is one stop of the Tab key; the arrow keys move in it.
  list.addEventListener("keydown", (pressed) => {
    const { activeElement: at } = document;
    const next = { ArrowDown: at.nextElementSibling, ArrowUp: at.previousElementSibling, Home: list.firstElementChild, End: list.lastElementChild }[pressed.key];
    if (!next || !list.contains(next)) return;
    pressed.preventDefault();
    at.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  function names(entry) {
    return entry.account ? entry : { ...entry, account: page.accounts.find((one) => one.appid === entry.appid)?.name || "" };
  }

  function row(entry) {
    const shown = line(names(entry));
    const cell = (name, text) => element("span", { className: name, textContent: text ?? "" });
    const properties = { type: "button", className: shown.failed ? "line failed" : "line", aria: { pressed: "false" }, on: { click: () => page.pick(entry) } };
    const made = element("button", properties,
      cell("time", time(entry.time)), cell("kind", shown.kind), cell("what", [shown.who, shown.what].filter(Boolean).join(" · ")),
      cell("count", shown.count), cell("status", shown.status), cell("ms", shown.ms === undefined ? "" : `${Math.round(shown.ms)} ms`), cell("outcome", shown.outcome));
    const searched = `${made.textContent} ${JSON.stringify(entry)}`.toLowerCase();
    return { made, searched };
  }

  // A reply in the conversation is picked as the call that sent it.
  function show(entry) {
    const isCause = (call) => call.path.startsWith(MESSAGES) && call.time <= entry.time && JSON.stringify(call.request) === JSON.stringify(entry.payload);
    const found = (entry.payload && feed.call.findLast(isCause)) || entry;
    picked = found.id;
    const blocks = found.payload ? [[T.request, found.payload]] : parts(found);
    const { Event, MsgType, InfoType } = found.message || {};
    panel.replaceChildren(element("h2", { textContent: found.path || Event || MsgType || InfoType || T.document }),
      ...(found.message ? [again(found)] : []),
      ...blocks.flatMap(([name, value]) => [element("h3", { textContent: name }), element("pre", { tabIndex: 0, textContent: pretty(value) })]));
    changed();
  }

  function again(push) {
    const failure = element("output", { className: "problem" });
    const { message, account } = push;
    const fields = Object.fromEntries(Object.entries(message).filter(([name]) => !OWN_FIELDS.has(name)));
    const isNew = { account, openid: message.FromUserName, type: message.MsgType, event: message.Event ?? null, fields };
    const button = (text, request) => element("button", { type: "button", textContent: text, on: { click: async (clicked) => {
      clicked.target.disabled = true;
      failure.textContent = await post("/sandbox/send", request).then(() => "", (error) => error.message);
      clicked.target.disabled = false;
    } } });
    return element("div", { className: "row" }, button(T.again, { account, message }), message.MsgType ? button(T.asNew, isNew) : null, failure);
  }

  function render() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const entries = [...feed.push, ...feed.retry, ...feed.call].sort((one, other) => other.time - one.time);
    const known = new Set(entries.map((entry) => entry.id));
    for (const id of rows.keys()) if (!known.has(id)) rows.delete(id);
    const wanted = [];
    for (const entry of entries) {
      if (!rows.has(entry.id)) rows.set(entry.id, row(entry));
      const { made, searched } = rows.get(entry.id);
      if (wanted.length < SHOWN && words.every((word) => searched.includes(word))) wanted.push(made);
      const pressed = String(entry.id === picked);
      made.tabIndex = -1;
      if (made.getAttribute("aria-pressed") !== pressed) made.setAttribute("aria-pressed", pressed);
    }
    const stop = wanted.find((made) => made === document.activeElement || made.getAttribute("aria-pressed") === "true") || wanted[0];
    if (stop) stop.tabIndex = 0;
    arrange(list, wanted.length ? wanted : [element("p", { className: "hint", textContent: entries.length ? T.noMatch : T.nothing })]);
  }

  onChange(render);
  page.onPick(show);
  return element("section", { className: "journal", aria: { label: T.list } }, filter, list, panel);
}

export const view = { id: "requests", title: T.requests, showsPicked: true, build };
