// The picked entry: its documents and actions.
import { post } from "../common/control.js";
import { element, pretty } from "../common/dom.js";
import { ofAttempt } from "../common/failures.js";
import { feed } from "../common/feed.js";
import { asCurl } from "./curl.js";
import { titleOf } from "./lines.js";
import { T } from "./texts.js";

const MESSAGES = "/cgi-bin/message/custom/";

// A reply in the conversation is the call that sent it.
export function causeOf(entry) {
  if (!entry.payload || entry.agent) return entry;
  const isCause = (call) => call.path.startsWith(MESSAGES) && call.time <= entry.time && JSON.stringify(call.request) === JSON.stringify(entry.payload);
  return feed.call.findLast(isCause) || entry;
}

function parts(entry) {
  if (entry.message) {
    const attempts = entry.attempts.length ? [[T.answers, entry.attempts]] : [];
    return [[T.pushed, entry.message], ...attempts, ...(entry.reply ? [[T.reply, entry.reply]] : [])];
  }
  if (entry.payload) return [[T.request, entry.payload]];
  const all = [[T.query, entry.query], [T.request, entry.request], [T.answer, entry.answer]];
  return all.filter(([, value]) => value !== "" && JSON.stringify(value) !== "{}");
}

function actions(page, entry) {
  const result = element("output", { className: "result" });
  const button = (textContent, run, done) => element("button", { type: "button", textContent, on: { click: async (clicked) => {
    clicked.target.disabled = true;
    result.className = "result";
    try {
      await run();
      result.textContent = done;
    } catch (error) {
      result.className = "result problem";
      result.textContent = error.message;
    }
    clicked.target.disabled = false;
  } } });
  const copy = button(T.curl, () => navigator.clipboard.writeText(asCurl(entry)), entry.query && "access_token" in entry.query ? T.copiedCall : T.copied);
  const steps = entry.trace_id ? element("button", { type: "button", textContent: T.steps, on: { click: () => page.show("trace") } }) : null;
  return element("div", { className: "row" }, steps, ...(entry.id.startsWith("push-") ? replays(entry, button) : []), copy, result);
}

function replays({ number, message }, button) {
  const replay = (anew) => () => post("/sandbox/replay", { id: String(number), anew });
  const again = button(T.again, replay(false), T.sent);
  return message.MsgType ? [again, button(T.asNew, replay(true), T.sent)] : [again];
}

export function details(page, entry) {
  const failure = entry.attempts?.length ? ofAttempt(entry.attempts.at(-1)) : "";
  return [
    element("h2", { textContent: titleOf(entry) }),
    ...(failure ? [element("p", { className: "problem", textContent: failure })] : []),
    actions(page, entry),
    ...parts(entry).flatMap(([name, value]) => [element("h3", { textContent: name }), element("pre", { tabIndex: 0, textContent: pretty(value) })]),
  ];
}
