// Two texts as one list of lines: those of both, removed ones, and added ones.
import { element } from "../common/dom.js";
import { T } from "./texts.js";

// The longest common subsequence of lines; contexts are at most 8 KiB, so the table is small.
function compared(before, after) {
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = before[i] === after[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) { found.push([" ", before[i]]); i += 1; j += 1; }
    else if (i < before.length && (j === after.length || lengths[i + 1][j] >= lengths[i][j + 1])) { found.push(["-", before[i]]); i += 1; }
    else { found.push(["+", after[j]]); j += 1; }
  }
  return found;
}

const lines = (text) => (text ? text.split("\n") : []);

function made([mark, text]) {
  const name = { "-": "del", "+": "ins", " ": "span" }[mark];
  return element(name, { className: "diff-line", textContent: `${mark} ${text}` });
}

function changes(span) {
  const [before, after] = ["before", "after"].map((name) => span.attributes[`wxbus.context.${name}`] ?? "");
  if (before === after) return element("p", { className: "hint", textContent: T.unchanged });
  return element("pre", { className: "diff", tabIndex: 0, aria: { label: T.context } }, ...compared(lines(before), lines(after)).map(made));
}

export function contexts(spans) {
  const commits = spans.filter((span) => "wxbus.context.after" in span.attributes);
  if (!commits.length) return [element("p", { className: "hint", textContent: T.noContext })];
  return commits.map(changes);
}
