// Puts the page together.
import { element } from "./common/dom.js";
import { feed, listen, onChange } from "./common/feed.js";
import { T } from "./common/texts.js";
import { Page } from "./page.js";
import { VIEWS } from "./views.js";

const SIDE_BY_SIDE = matchMedia("(min-width: 48.01rem)");
const NEXT = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" };

function style({ id }) {
  const link = element("link", { rel: "stylesheet", href: `/sandbox/page/${id}/style.css` });
  const loaded = new Promise((go) => { link.addEventListener("load", go); link.addEventListener("error", go); });
  document.head.append(link);
  return loaded;
}

function add(page, view) {
  const tab = element("button", { type: "button", textContent: view.title, data: { tab: view.id }, on: { click: () => page.show(view.id) } });
  const section = view.build(page);
  section.classList.add("view");
  section.dataset.section = view.id;
  page.views.set(view.id, { ...view, section, tab });
  return { tab, section };
}

function moves(pressed) {
  const next = document.activeElement[NEXT[pressed.key]];
  if (next) next.focus();
}

// Beside the chat there is always another view.
function fit(page) {
  if (SIDE_BY_SIDE.matches && page.shown === "chat") page.show("requests");
}

async function main() {
  const page = await Page.load();
  await Promise.all(VIEWS.map(style));
  const built = VIEWS.map((view) => add(page, view));
  const state = element("span", { className: "state", aria: { role: "status" } });
  onChange(() => {
    state.textContent = feed.connected ? T.connected : T.disconnected;
    state.classList.toggle("problem", !feed.connected);
  });
  const tabs = element("nav", { aria: { label: T.views }, on: { keydown: moves } }, ...built.map(({ tab }) => tab));
  document.getElementById("app").replaceChildren(
    element("header", { className: "top" }, element("h1", { textContent: T.title }), element("p", { textContent: T.purpose }), state, tabs),
    element("main", {}, ...built.map(({ section }) => section)));
  SIDE_BY_SIDE.addEventListener("change", () => fit(page));
  page.show("chat");
  fit(page);
  listen();
}

main().catch((error) => { document.getElementById("app").textContent = error.message; });
