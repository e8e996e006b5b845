// The timeline: a table whose last column is the picture.
import { element } from "../common/dom.js";
import { bursts, duration, hasFailed, summary, title } from "./steps.js";
import { T } from "./texts.js";

const NARROW = matchMedia("(max-width: 62rem)"); // two columns are hidden, see style.css
const DOCUMENTS = /^(wechat\.|wxbus\.context\.)/; // shown elsewhere

const columns = () => (NARROW.matches ? 3 : 5);

export function onResize(listener) {
  NARROW.addEventListener("change", listener);
}

function bar(burst, span) {
  const whole = Math.max(burst.end - burst.start, 1e-6);
  const made = element("span", { className: "bar", aria: { hidden: "true" } });
  made.style.insetInlineStart = `${Math.min(99.5, (100 * (span.start - burst.start)) / whole)}%`;
  made.style.inlineSize = `${Math.min(100, (100 * (span.end - span.start)) / whole)}%`;
  const moments = span.events.map(([at]) => {
    const mark = element("span", { className: "moment", aria: { hidden: "true" } });
    mark.style.insetInlineStart = `${(100 * (at - burst.start)) / whole}%`;
    return mark;
  });
  return element("td", { className: "picture" }, made, ...moments);
}

function details(span) {
  const shown = Object.entries(span.attributes).filter(([name]) => !DOCUMENTS.test(name));
  const moments = span.events.map(([at, name]) => [name, `+${duration(at - span.start)}`]);
  const pairs = [...shown, ...(span.process ? [["process.pid", span.process]] : []), ...moments, ...(span.error ? [["error", span.error]] : [])];
  return element("dl", {}, ...pairs.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: String(value) })]));
}

function row(burst, { span, depth }, opened) {
  const isOpen = opened.has(span.span_id);
  const more = element("tr", { className: "more", hidden: !isOpen, id: `more-${span.span_id}` }, element("td", { colSpan: columns() }, details(span)));
  const toggle = () => {
    more.hidden = !more.hidden;
    opened[more.hidden ? "delete" : "add"](span.span_id);
    name.setAttribute("aria-expanded", String(!more.hidden));
  };
  const name = element("button", { type: "button", className: "step", textContent: title(span), aria: { expanded: String(isOpen), controls: more.id }, on: { click: toggle } });
  const cell = element("th", { scope: "row" }, name, element("small", { textContent: summary(span) }));
  cell.style.paddingInlineStart = `${0.4 + depth * 0.7}rem`;
  const made = element("tr", { className: hasFailed(span) ? "failed" : "", data: { step: span.name } },
    cell, element("td", { className: "service", textContent: span.service.replace("wxbus-", "") }),
    element("td", { className: "number", textContent: `+${duration(span.start - burst.start)}` }),
    element("td", { className: "number", textContent: duration(span.end - span.start) }), bar(burst, span));
  made.dataset.service = span.service.replace("wxbus-", "");
  return [made, more];
}

// `opened`: ids of the steps whose details are shown; it is kept while the trace grows.
export function timeline(spans, opened) {
  const head = [T.step, T.service, T.starts, T.takes, T.picture].map((text) => element("th", { scope: "col", textContent: text }));
  const bodies = bursts(spans).map((burst) => element("tbody", {},
    burst.after ? element("tr", { className: "pause" }, element("td", { colSpan: columns(), textContent: T.later(duration(burst.after)) })) : null,
    ...burst.steps.flatMap((step) => row(burst, step, opened))));
  return element("table", { className: "timeline" }, element("caption", { textContent: T.timeline }), element("thead", {}, element("tr", {}, ...head)), ...bodies);
}
