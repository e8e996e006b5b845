// The troubles of a bad day, each with a switch; the same seed gives the same ones (decision 0052).
import { get, put, remove } from "../common/control.js";
import { element, labelled } from "../common/dom.js";
import { translated } from "../common/language.js";

const T = translated({
  en: {
    title: "At random",
    hint: "Whatever is on hits this share of the calls or callbacks. The same seed: the same troubles.",
    share: "Share in %",
    seed: "Seed",
    seconds: "Longest delay in s",
    begin: "Begin",
    end: "End",
    came: (count) => (count ? ` (${count}×)` : ""),
    names: {
      slow: "Calls are answered slowly",
      lost: "Answers get lost",
      busy: "Busy (-1)",
      tokens: "Tokens become invalid (40001)",
      quota: "Quota used up (45009)",
      window: "Window closed (45015)",
      allowance: "No messages left (45047)",
      repeats: "Every callback three times",
      disorder: "Callbacks out of order",
      closed: "Connections closed",
      clock: "Wrong clock of callbacks",
      key: "Another AES key",
    },
  },
  zh: {
    title: "随机故障",
    hint: "打开的故障影响这个比例的调用或回调。种子相同，故障就相同。",
    share: "比例（%）",
    seed: "种子",
    seconds: "最长延迟（秒）",
    begin: "开始",
    end: "结束",
    came: (count) => (count ? `（${count} 次）` : ""),
    names: {
      slow: "调用响应变慢",
      lost: "响应丢失",
      busy: "系统繁忙（-1）",
      tokens: "token 失效（40001）",
      quota: "额度用尽（45009）",
      window: "超出回复时限（45015）",
      allowance: "回复条数超限（45047）",
      repeats: "每个回调推送三次",
      disorder: "回调乱序",
      closed: "连接断开",
      clock: "回调的时钟不准",
      key: "换了 AES key",
    },
  },
});

export function troubles() {
  const boxes = {}, counts = {};
  const lines = Object.entries(T.names).map(([name, text]) => {
    boxes[name] = element("input", { type: "checkbox", data: { trouble: name } });
    counts[name] = element("span");
    return element("label", { className: "tick" }, boxes[name], element("span", {}, text, counts[name]));
  });
  const number = (value, min, max, step) => element("input", { type: "number", value, min, max, step });
  const share = number("30", "1", "100", "1"), seed = number("1", "0", "999999", "1"), seconds = number("3", "0.1", "600", "0.1");
  const output = element("output", { className: "result" });

  function show(state) {
    const on = Object.values(state.troubles);
    for (const [name, box] of Object.entries(boxes)) {
      box.checked = name in state.troubles;
      counts[name].textContent = T.came(state.happened[name]);
    }
    if (!on.length) return;
    share.value = Math.round(Math.max(...on) * 100);
    seed.value = state.seed;
    seconds.value = state.seconds;
  }
  async function run(act) {
    output.className = "result";
    output.textContent = "";
    try {
      show(await act());
    } catch (error) {
      output.className = "result problem";
      output.textContent = error.message;
    }
  }
  const begin = () => run(() => {
    const on = Object.keys(boxes).filter((name) => boxes[name].checked);
    const shares = Object.fromEntries(on.map((name) => [name, Number(share.value) / 100]));
    return put("/sandbox/bad_day", { seed: Number(seed.value), seconds: Number(seconds.value), troubles: shares });
  });
  const end = () => run(async () => ({ ...await remove("/sandbox/bad_day"), troubles: {} }));
  const button = (text, click) => element("button", { type: "button", textContent: text, on: { click } });
  run(() => get("/sandbox/bad_day"));
  return element("fieldset", { id: "troubles" }, element("legend", { textContent: T.title }),
    element("p", { className: "hint", textContent: T.hint }), ...lines,
    element("div", { className: "row" }, labelled(T.share, share), labelled(T.seed, seed), labelled(T.seconds, seconds)),
    element("div", { className: "row" }, button(T.begin, begin), button(T.end, end)), output);
}
