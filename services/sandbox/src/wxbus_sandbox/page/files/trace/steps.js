// The text of a step, and the grouping of steps into bursts.
import { T } from "./texts.js";

const PAUSE = 0.25; // seconds without a step after which the picture begins anew
const FAILED = new Set(["retried", "dead_lettered"]);

export function duration(seconds) {
  if (seconds < 1e-6) return "0 ms";
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.1 ? 1 : 0)} ms`;
  return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
}

export const title = (span) => T.steps[span.name] || span.name;

export const hasFailed = (span) => Boolean(span.error) || FAILED.has(span.attributes["wxbus.outcome"]);

function place(attributes) {
  const file = attributes["code.file.path"];
  const name = attributes["code.function.name"];
  return file ? `${name} (${file.split("/").slice(-2).join("/")}:${attributes["code.line.number"]})` : name;
}

// In the order of importance; a step has few of them.
export function summary(span) {
  const { attributes } = span;
  const { states } = T;
  const status = attributes["wxbus.status"];
  const said = [
    attributes["url.path"], attributes["rpc.method"], place(attributes), attributes["wxbus.reply"], attributes["wxbus.delay"], attributes["wxbus.reason"],
    attributes["wxbus.kind"] !== "callback" ? attributes["wxbus.kind"] : "",
    attributes["wxbus.attempt"] > 1 ? states.attempt(attributes["wxbus.attempt"]) : "",
    attributes["wxbus.redelivered"] ? states.redelivered : "",
    attributes["wxbus.duplicate"] ? states.duplicate : "",
    status ? states[status] || status : "",
    attributes["wxbus.replies"] ? states.replies(attributes["wxbus.replies"]) : "",
    states[attributes["wxbus.outcome"]] || "",
    attributes["http.response.status_code"], attributes["wxbus.errcode"],
    span.name === "worker.find_route" && !attributes["code.function.name"] ? states.noRoute : "",
    attributes["wxbus.error"], span.error,
  ];
  return said.filter((one) => one !== undefined && one !== "").join(" · ");
}

// The steps of a burst, each below the one that caused it.
function tree(spans) {
  const known = new Set(spans.map((span) => span.span_id));
  const below = Map.groupBy(spans, (span) => (known.has(span.parent_id) && span.parent_id !== span.span_id ? span.parent_id : ""));
  const steps = [];
  const add = (id, depth) => {
    for (const span of below.get(id) || []) {
      below.set(id, []); // an id may not repeat
      steps.push({ span, depth });
      add(span.span_id, depth + 1);
    }
  };
  add("", 0);
  return steps;
}

// Splits steps, sorted by their start, at pauses: a retry is a burst of its own.
export function bursts(spans) {
  const found = [];
  let end = -Infinity;
  for (const span of spans) {
    if (span.start > end + PAUSE) found.push({ spans: [], after: found.length ? span.start - end : 0 });
    found.at(-1).spans.push(span);
    end = Math.max(end, span.end);
  }
  return found.map((burst) => ({
    after: burst.after, start: burst.spans[0].start, end: Math.max(...burst.spans.map((span) => span.end)), steps: tree(burst.spans),
  }));
}
