// Customer service: users who were transferred wait here; a human answers them, and returns them to the handlers.
import { get, latest, post } from "../common/control.js";
import { arrange, element, time } from "../common/dom.js";
import { changed, feed, onChange } from "../common/feed.js";
import { labelOf } from "../common/users.js";
import { Desk } from "./desk.js";
import { T } from "./texts.js";

const ID = "customer-service";

// The last entry that may have changed the queue or the conversations.
function lastChange() {
  const push = feed.push.findLast(({ outcome, message }) => outcome === "transferred" || String(message.Event).startsWith("kf_"));
  return `${push?.id} ${feed.call.findLast(({ path }) => path.startsWith("/customservice/"))?.id}`;
}

function build(page) {
  const failure = element("output", { className: "problem" });
  const list = element("ul", { className: "people" });
  const hint = element("p", { className: "hint", textContent: T.hint });
  const fetchAll = latest((account) => get("/sandbox/customer_service", { account }).catch(() => ({ waiting: [], sessions: [] })));
  let seen = "";

  async function act(run) {
    failure.textContent = "";
    try { await run(); } catch (error) { failure.textContent = error.message; }
    await refresh();
  }

  const desk = new Desk(act);
  const takeOver = element("button", { type: "button", on: { click: () => accept(page.openid) } });

  function person(openid, text, button) {
    return element("li", {}, element("strong", { textContent: labelOf(page.account.name, openid), title: openid }), element("span", { textContent: text }), button);
  }

  async function accept(openid) {
    const { name } = page.account;
    await act(async () => {
      await post("/sandbox/customer_service/accept", { account: name, openid });
      desk.open(name, openid);
    });
  }

  function waiting({ openid, since }) {
    const button = element("button", { type: "button", className: "primary", textContent: T.accept, on: { click: () => accept(openid) } });
    return person(openid, T.waiting(time(since)), button);
  }

  function session({ openid, agent, since }) {
    const open = () => desk.open(page.account.name, openid);
    return person(openid, T.session(agent, since ? time(since) : ""), element("button", { type: "button", textContent: T.open, on: { click: open } }));
  }

  async function refresh() {
    if (!page.account) return;
    const { name } = page.account;
    const found = await fetchAll(name);
    if (!found || name !== page.account.name) return;
    arrange(list, [...found.waiting.map(waiting), ...found.sessions.map(session)]);
    takeOver.textContent = T.takeOver(labelOf(name, page.openid));
    takeOver.hidden = !page.openid || [...found.waiting, ...found.sessions].some(({ openid }) => openid === page.openid);
    hint.hidden = found.waiting.length + found.sessions.length > 0;
    page.badge(ID, found.waiting.length);
    const isOpen = desk.account === name && found.sessions.some(({ openid }) => openid === desk.openid);
    if (!isOpen) desk.open(name, "");
    changed();
  }

  onChange(() => {
    desk.render();
    const last = lastChange();
    if (last !== seen) refresh();
    seen = last;
  });
  page.onTalk(refresh);
  return element("section", { className: "humans", aria: { label: T.title } }, hint, list, element("div", { className: "row" }, takeOver), failure, desk.made);
}

export const view = { id: ID, title: T.title, build };
