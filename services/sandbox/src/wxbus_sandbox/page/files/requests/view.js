// All callbacks and calls as they come, with filters, and the picked one.
import { arrange, element } from "../common/dom.js";
import { changed, feed, onChange } from "../common/feed.js";
import { causeOf, details } from "./details.js";
import { conversationFiles } from "./files.js";
import { Filters } from "./filters.js";
import { line } from "./lines.js";
import { T } from "./texts.js";

const SHOWN = 300;

// The list is one stop of the Tab key; the arrow keys move in it.
function move(list, pressed) {
  const { activeElement: at } = document;
  const next = { ArrowDown: at.nextElementSibling, ArrowUp: at.previousElementSibling, Home: list.firstElementChild, End: list.lastElementChild }[pressed.key];
  if (!next || !list.contains(next)) return;
  pressed.preventDefault();
  at.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function build(page) {
  const rows = new Map();
  let picked = null;
  const filters = new Filters(page);
  const list = element("div", { className: "lines", aria: { role: "group", label: T.list }, on: { keydown: (pressed) => move(list, pressed) } });
  const panel = element("section", { className: "document", tabIndex: -1, aria: { label: T.document } }, element("p", { className: "hint", textContent: T.pick }));
  const files = conversationFiles(page, () => filters.user.value, (nodes) => panel.replaceChildren(...nodes));

  function row(entry) {
    const made = line(entry, filters.accountOf(entry), (one) => page.pick(one, "requests"));
    return { made, searched: `${made.textContent} ${JSON.stringify(entry)}`.toLowerCase() };
  }

  function show(entry) {
    const found = causeOf(entry);
    picked = found.id;
    panel.replaceChildren(...details(page, found));
    panel.scrollTop = 0;
    changed();
  }

  function render() {
    const humans = feed.sent.filter((sent) => sent.agent);
    const entries = [...feed.push, ...feed.retry, ...feed.call, ...humans].sort((one, other) => other.time - one.time);
    const known = new Set(entries.map((entry) => entry.id));
    for (const id of rows.keys()) if (!known.has(id)) rows.delete(id);
    filters.offer(entries);
    const wanted = [];
    for (const entry of entries) {
      if (wanted.length === SHOWN) break;
      if (!rows.has(entry.id)) rows.set(entry.id, row(entry));
      const { made, searched } = rows.get(entry.id);
      if (filters.pass(entry, searched)) wanted.push(made);
      const pressed = String(entry.id === picked);
      made.tabIndex = -1;
      if (made.getAttribute("aria-pressed") !== pressed) made.setAttribute("aria-pressed", pressed);
    }
    const stop = wanted.find((made) => made === document.activeElement || made.getAttribute("aria-pressed") === "true") || wanted[0];
    if (stop) stop.tabIndex = 0;
    arrange(list, wanted.length ? wanted : [element("p", { className: "hint", textContent: entries.length ? T.noMatch : T.nothing })]);
  }

  onChange(render);
  page.onPick(show);
  return element("section", { className: "journal", aria: { label: T.list } }, filters.made, list, files, panel);
}

export const view = { id: "requests", title: T.requests, build };
