// Every step of the picked message, as the services sent them by OTLP.
import { get } from "../common/control.js";
import { element } from "../common/dom.js";
import { feed, onChange } from "../common/feed.js";
import { causeOf } from "../requests/details.js";
import { contexts } from "./diff.js";
import { callbacks, calls, log } from "./documents.js";
import { duration, hasFailed } from "./steps.js";
import { T } from "./texts.js";
import { onResize, timeline } from "./timeline.js";

const AGAIN = 1000; // milliseconds after which a sandbox that did not answer is asked again

function section(name, children) {
  return children.length ? element("section", { data: { part: name } }, element("h2", { textContent: T[name] }), ...children) : null;
}

function build(page) {
  const hint = (text) => element("p", { className: "hint", textContent: text });
  const made = element("section", { className: "trace", tabIndex: -1, aria: { label: T.trace } }, hint(T.pick));
  const opened = new Set();
  let following = "";
  let known = null;

  function render() {
    if (!known) return;
    const { spans, logs, left_out: leftOut, trace_id: id } = known;
    if (!spans.length) { made.replaceChildren(hint(T.nothing)); return; }
    const start = spans[0].start;
    const end = Math.max(...spans.map((span) => span.end));
    const failed = spans.filter(hasFailed).length;
    const push = [...feed.push, ...feed.retry].findLast((entry) => entry.trace_id === id);
    const sum = element("p", { className: "sum" }, T.summary(spans.length, duration(end - start)),
      failed ? element("span", { className: "problem", textContent: ` · ${T.failed(failed)}` }) : null, " ", element("code", { textContent: id }));
    const at = [made.scrollTop, made.querySelector(":focus")?.getAttribute("aria-controls")];
    const states = new Map([...made.querySelectorAll("details")].map((one) => [one.dataset.key, one.open]));
    made.replaceChildren(sum, timeline(spans, opened),
      ...[section("context", contexts(spans)), section("documents", callbacks(spans, push)),
        section("calls", calls(feed.call.filter((call) => call.trace_id === id))), section("log", log(logs, start)),
        leftOut ? hint(T.leftOut(leftOut)) : null].filter(Boolean));
    for (const one of made.querySelectorAll("details")) one.open = states.get(one.dataset.key) ?? one.open;
    made.scrollTop = at[0];
    if (at[1]) made.querySelector(`[aria-controls="${at[1]}"]`)?.focus();
  }

  async function follow(id) {
    for (let seen = ""; following === id;) {
      try {
        const found = await get(`/sandbox/traces/${id}${seen === "" ? "" : `?seen=${seen}`}`);
        if (following !== id) return;
        if (found.revision !== seen) { known = found; render(); }
        seen = found.revision;
      } catch {
        await new Promise((go) => { setTimeout(go, AGAIN); });
      }
    }
  }

  function pick(entry) {
    const id = causeOf(entry).trace_id || "";
    if (id && id === following) return;
    following = id;
    known = null;
    opened.clear();
    made.replaceChildren(hint(id ? T.nothing : T.none));
    made.scrollTop = 0;
    if (id) follow(id);
  }

  page.onPick(pick);
  onResize(render);
  let shownCalls = 0;
  onChange(() => { // calls come with the events of the page, not with the trace
    if (!known) return;
    const count = feed.call.filter((call) => call.trace_id === known.trace_id).length;
    if (count !== shownCalls) { shownCalls = count; render(); }
  });
  return made;
}

export const view = { id: "trace", title: T.trace, build };
