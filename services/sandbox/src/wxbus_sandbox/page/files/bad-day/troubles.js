// The troubles of a bad day, each with a switch; the same seed gives the same ones (decision 0052).
import { get, put, remove } from "../common/control.js";
import { element, labelled } from "../common/dom.js";
import { T as ALL } from "./texts.js";

const T = ALL.troubles;

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
  const made = element("fieldset", { id: "troubles", disabled: true }, element("legend", { textContent: T.title }),
    element("p", { className: "hint", textContent: T.hint }), ...lines,
    element("div", { className: "row" }, labelled(T.share, share), labelled(T.seed, seed), labelled(T.seconds, seconds)),
    element("div", { className: "row" }, button(T.begin, begin), button(T.end, end)), output);
  run(() => get("/sandbox/bad_day")).then(() => { made.disabled = false; }); // its answer sets the switches
  return made;
}
