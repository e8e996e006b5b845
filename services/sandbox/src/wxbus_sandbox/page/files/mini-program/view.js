// The page of a Mini Program: logs in, shares data, calls services and chats, through the gateway.
import { choice, element, labelled, time } from "../common/dom.js";
import { onChange } from "../common/feed.js";
import { T as COMMON } from "../common/texts.js";
import { T } from "./texts.js";
import { Visitor, methods } from "./visitor.js";

const KEPT = 200;

function line({ time: at, what, outcome, hint, answer, request }) {
  const sent = request && element("details", {}, element("summary", { textContent: T.request }), element("pre", { textContent: request }));
  return element("article", { className: "exchange" },
    element("div", { className: "row" }, element("span", { className: "quiet", textContent: time(at) }),
      element("strong", { textContent: what }), element("span", { className: "outcome", textContent: outcome })),
    hint && element("p", { className: "next", textContent: hint }), sent, answer && element("pre", { textContent: answer }));
}

// The text of the session's state.
function words(session) {
  if (!session) return T.loggedOut;
  const known = [session.profile && T.profileKnown, session.phone && T.phoneKnown].filter(Boolean);
  return [T.loggedIn, ...known].join(", ");
}

function program(page, accounts) {
  const visitors = new Map(); // by account and user
  const account = choice(accounts.map(({ name }) => [name, name]), { id: "mini-account" });
  const user = element("span", { className: "user" });
  const state = element("output", { className: "session" });
  const problem = element("output", { className: "problem" });
  const log = element("div", { className: "exchanges", tabIndex: 0, aria: { role: "log", live: "polite", label: T.exchanges } },
    element("p", { className: "hint", textContent: T.nothing }));

  function onExchange(exchange) {
    log.querySelector(".hint")?.remove();
    log.append(line(exchange));
    while (log.childElementCount > KEPT) log.firstChild.remove();
    log.scrollTop = log.scrollHeight;
    show();
  }

  // The visitor of the chosen account and of the conversation's user.
  function current() {
    const key = `${account.value} ${page.openid}`;
    if (!visitors.has(key)) visitors.set(key, new Visitor(page.gateway, account.value, page.openid, onExchange));
    return visitors.get(key);
  }

  function show() {
    user.textContent = page.openid;
    state.textContent = words(current().session);
  }

  // A button; an error is shown above the exchanges.
  const act = (textContent, run, className = "") => element("button", { type: "button", textContent, className, on: { click: async ({ target }) => {
    target.disabled = true;
    problem.textContent = "";
    try {
      await run(current());
    } catch (error) {
      problem.textContent = error.message;
    }
    target.disabled = false;
    show();
  } } });
  const group = (title, ...children) => element("fieldset", {}, element("legend", { textContent: title }), ...children);
  const row = (...children) => element("div", { className: "row" }, ...children);
  const plain = { spellcheck: false, autocomplete: "off" };
  const json = (value) => element("textarea", { value, rows: 2, ...plain });

  const number = element("input", { value: "13800138000", inputMode: "tel", ...plain });
  const older = element("input", { type: "checkbox" });
  const method = element("select", { id: "mini-method" });
  const body = json("{}");
  const needs = element("small", { className: "quiet" });
  const name = element("input", { value: "chat.say", ...plain });
  const message = json('{"text": "hello"}');
  let known = [];

  function pick() {
    const found = known.find(({ path }) => path === method.value);
    body.value = JSON.stringify(found ? found.body : {});
    needs.textContent = found ? found.text : T.noServices;
  }

  async function fill() {
    try {
      known = await methods(page.gateway, account.value);
      problem.textContent = "";
    } catch {
      known = [];
      problem.textContent = T.noGateway(page.gateway);
    }
    method.replaceChildren(...known.map(({ path }) => element("option", { value: path, textContent: path })));
    pick();
  }

  account.addEventListener("change", () => { fill(); show(); });
  method.addEventListener("change", pick);
  onChange(show); // another conversation is another user
  fill();
  const controls = element("div", { className: "controls" },
    group(T.state, row(labelled(COMMON.account, account), labelled(COMMON.user, user)), state,
      row(act(T.login, (visitor) => visitor.login(), "primary"), act(T.shareProfile, (visitor) => visitor.shareProfile()), act(T.logout, (visitor) => visitor.logout())),
      act(T.renewKey, (visitor) => visitor.renewKey()), element("small", { className: "quiet", textContent: T.renewHint })),
    group(T.phone, labelled(T.number, number), element("label", { className: "tick" }, older, element("span", { textContent: T.older })),
      act(T.sharePhone, (visitor) => visitor.sharePhone(number.value.trim(), older.checked))),
    group(T.service, labelled(T.method, method), needs, labelled(T.body, body),
      act(T.call, (visitor) => visitor.call(method.value, JSON.parse(body.value)), "primary")),
    group(T.socket, labelled(T.name, name), labelled(T.body, message),
      row(act(T.send, (visitor) => visitor.send(name.value.trim(), JSON.parse(message.value)), "primary"), act(T.disconnect, (visitor) => visitor.disconnect())),
      element("small", { className: "quiet", textContent: T.disconnectHint })));
  return element("section", { className: "mini-program", aria: { label: T.title } },
    element("p", { className: "intro", textContent: T.intro }), controls, element("div", { className: "log-column" }, problem, log));
}

export const view = {
  id: "mini-program",
  title: T.title,
  build(page) {
    const accounts = page.accounts.filter(({ kind }) => kind === "mini_program");
    const missing = page.gateway ? !accounts.length && T.noAccounts : T.unknownGateway;
    return missing ? element("p", { className: "hint", textContent: missing }) : program(page, accounts);
  },
};
