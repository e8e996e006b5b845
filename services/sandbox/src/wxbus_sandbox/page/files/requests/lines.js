// One line of the list: a callback, a call or a message of a human, and its outcome.
import { element, time } from "../common/dom.js";
import { T } from "./texts.js";

const OK = "ok";

export function kindOf(entry) {
  return entry.message ? "callback" : entry.payload ? "human" : "call";
}

// The user whom an entry concerns, "" for none.
export function userOf(entry) {
  return entry.openid || entry.request?.touser || entry.request?.openid || "";
}

// `errcode` of a call, the outcome of a callback, or how the connection ended.
export function outcomeOf(entry) {
  if (entry.message) return entry.outcome;
  if (entry.payload) return OK;
  if (entry.status === null) return "cut";
  if (entry.status !== 200) return String(entry.status);
  return entry.answer?.errcode ? String(entry.answer.errcode) : OK;
}

export function isFailed(entry) {
  return entry.message ? entry.outcome === "failed" || entry.outcome === "invalid" : outcomeOf(entry) !== OK;
}

export function endpointOf(entry) {
  return entry.path || "";
}

export function titleOf(entry) {
  if (entry.path) return [entry.path, entry.request?.text?.content].filter((part) => typeof part === "string").join(" ");
  if (entry.payload) return [entry.msgtype, entry.payload.text?.content].filter(Boolean).join(" ");
  const { Event, MsgType, InfoType, Content, EventKey } = entry.message;
  return [Event || MsgType || InfoType, Content || EventKey].filter(Boolean).join(" ");
}

export function line(entry, account, onPick) {
  const cell = (name, text) => element("span", { className: name, textContent: text ?? "" });
  const last = entry.attempts?.at(-1);
  const ms = last?.ms ?? entry.ms;
  const outcome = outcomeOf(entry);
  const status = entry.payload ? "" : (entry.message ? last?.status : entry.status) ?? (last || entry.path ? T.cut : "");
  const className = isFailed(entry) ? "line failed" : "line";
  return element("button", { type: "button", className, aria: { pressed: "false" }, on: { click: () => onPick(entry) } },
    cell("time", time(entry.time)), cell("kind", T.kinds[kindOf(entry)]), cell("what", [account, titleOf(entry)].filter(Boolean).join(" · ")),
    cell("count", entry.attempts ? T.attempts(entry.attempts.length) : entry.method), cell("status", status),
    cell("ms", ms === undefined ? "" : `${Math.round(ms)} ms`), cell("outcome", T.outcomes[outcome] || outcome));
}
