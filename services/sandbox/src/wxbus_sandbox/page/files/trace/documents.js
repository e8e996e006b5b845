// The documents of a trace: callbacks and answers, plain and encrypted, calls of the API, and the log.
import { element, pretty } from "../common/dom.js";
import { duration } from "./steps.js";
import { T } from "./texts.js";

// `key` names the block, so that it stays open while the trace grows.
function block(key, name, value, open = false) {
  if (value === "" || value === undefined || value === null) return null;
  return element("details", { open, data: { key: `${key} ${name}` } }, element("summary", { textContent: name }), element("pre", { tabIndex: 0, textContent: pretty(value) }));
}

export function callbacks(spans, entry) {
  const attempts = spans.filter((span) => span.name === "wechat.push");
  return attempts.flatMap(({ attributes, error }, index) => [
    element("h3", { textContent: [T.attempt(index + 1), attributes["http.response.status_code"] || "", error].filter(Boolean).join(" · ") }),
    block(index, T.sentPlain, attributes["wechat.plain"], index === 0),
    block(index, T.sentRaw, attributes["wechat.request"]),
    block(index, T.query, attributes["wechat.query"]),
    block(index, T.answerRaw, attributes["wechat.answer"]),
    index === attempts.length - 1 ? block(index, T.reply, entry?.reply) : null,
  ]).filter(Boolean);
}

export function calls(found) {
  return found.flatMap((call) => [
    element("h3", { textContent: [call.path, call.status, call.answer?.errcode || ""].filter(Boolean).join(" · ") }),
    block(call.id, T.request, call.request), block(call.id, T.answer, call.answer),
  ]).filter(Boolean);
}

function line(start, { time, level, service, event, fields }) {
  const { exception, service: _service, ...others } = fields;
  const rest = Object.entries(others).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ");
  return element("li", { className: `log-line ${level}` },
    element("span", { className: "number", textContent: `+${duration(Math.max(0, time - start))}` }),
    element("span", { className: "level", textContent: level }),
    element("span", { className: "service", textContent: service.replace("wxbus-", "") }),
    element("span", { className: "event" }, element("b", { textContent: event }), ` ${rest}`, exception ? element("pre", { tabIndex: 0, textContent: exception }) : null));
}

export function log(lines, start) {
  if (!lines.length) return [element("p", { className: "hint", textContent: T.noLog })];
  return [element("ol", { className: "log-lines" }, ...lines.map((one) => line(start, one)))];
}
