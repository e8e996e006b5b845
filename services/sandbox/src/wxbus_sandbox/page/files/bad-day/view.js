// Switches for faults of WeChat, and the check of its console.
import { get, latest, post, remove } from "../common/control.js";
import { choice, element, labelled } from "../common/dom.js";
import { inWords } from "../common/failures.js";
import { feed } from "../common/feed.js";
import { T as COMMON } from "../common/texts.js";
import { T } from "./texts.js";
import { troubles } from "./troubles.js";

const KINDS = {
  busy: { errcode: -1 }, token: { errcode: 40001 }, quota: { errcode: 45009 }, window: { errcode: 45015 }, allowance: { errcode: 45047 },
  http: { status: 500 }, cut: { disconnect: true }, lost: { disconnect: true, effect: true }, slow: {},
};
const TWO_DAYS = 48 * 3600;

function words({ accepted, status, reason }) {
  if (accepted) return T.accepted;
  return status === 200 ? T.wrongEcho : inWords(status, reason);
}

function build(page) {
  const result = () => element("output", { className: "result" });
  const act = (text, output, run) => element("button", { type: "button", textContent: text, on: { click: async (clicked) => {
    clicked.target.disabled = true;
    output.className = "result";
    try {
      output.textContent = (await run()) ?? COMMON.done;
    } catch (error) {
      output.className = "result problem";
      output.textContent = error.message;
    }
    clicked.target.disabled = false;
  } } });

  const checked = result();
  const check = act(T.checkButton, checked, async () => {
    const { name } = page.account;
    const answer = await post("/sandbox/verify", { account: name });
    checked.classList.toggle("problem", !answer.accepted);
    return `${name}: ${words(answer)}`;
  });

  const stuck = element("input", { type: "checkbox" });
  const invalidated = result();
  const invalidate = act(T.invalidate, invalidated, async () => {
    await post("/sandbox/tokens/invalidate", { appid: page.account.appid, stuck: stuck.checked });
  });

  const repeat = element("input", { type: "checkbox", id: "repeat", on: { change: () => { page.copies = repeat.checked ? 3 : 1; } } });

  const known = element("datalist", { id: "paths" }, ...page.paths.map((path) => element("option", { value: path })));
  const path = element("input", { value: "/cgi-bin/message/custom/send", spellcheck: false, autocomplete: "off" });
  path.setAttribute("list", "paths");
  const kind = choice(Object.keys(KINDS).map((name) => [name, T.faults[name]]));
  const delay = element("input", { type: "number", min: "0", max: "600", step: "0.5", value: "0" });
  const times = element("input", { type: "number", min: "1", max: "1000", value: "1" });
  const faults = result();
  const pending = element("ul", { className: "pending" });

  const fetchFaults = latest(() => get("/sandbox/faults"));

  async function show() {
    const left = await fetchFaults();
    if (!left) return;
    const lines = left.length ? left.map((one) => T.pending(one.path, one.times)) : [T.noFaults];
    pending.replaceChildren(...lines.map((textContent) => element("li", { textContent })));
  }
  const inject = act(T.inject, faults, async () => {
    const slow = kind.value === "slow" && !Number(delay.value) ? 3 : Number(delay.value);
    await post("/sandbox/faults", { path: path.value.trim(), times: Number(times.value), delay: slow, ...KINDS[kind.value] });
    await show();
  });
  const end = act(T.endFaults, faults, async () => {
    await remove("/sandbox/faults");
    await show();
  });

  const clocked = result();
  const clock = act(T.clock, clocked, async () => {
    const { now } = await post("/sandbox/clock", { advance: TWO_DAYS });
    feed.offset = now * 1000 - Date.now();
    return `${COMMON.done} ${T.clockHint}`;
  });
  const cleared = result();
  const reset = act(T.reset, cleared, async () => { await post("/sandbox/reset"); await show(); });

  const group = (title, ...children) => element("fieldset", {}, element("legend", { textContent: title }), ...children);
  const row = (...children) => element("div", { className: "row" }, ...children);
  const tick = (text, input) => element("label", { className: "tick" }, input, element("span", { textContent: text }));
  show().catch(() => {});
  return element("section", { className: "bad-day", aria: { label: T.badDay } },
    group(T.check, check, checked),
    group(T.badDay, tick(T.repeat, repeat), invalidate, tick(T.stuck, stuck), invalidated),
    troubles(),
    group(T.fault, known, labelled(T.path, path), labelled(T.kind, kind), row(labelled(T.delay, delay), labelled(T.times, times)),
      row(inject, end), faults, pending),
    group(T.clockAndState, clock, clocked, reset, cleared));
}

export const view = { id: "bad-day", title: T.badDay, build };
