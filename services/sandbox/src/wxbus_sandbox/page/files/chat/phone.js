// The phone: account and user above, the conversation, and below it what a user can send.
import { get, upload } from "../common/control.js";
import { choice, element, labelled } from "../common/dom.js";
import { changed, feed, onChange } from "../common/feed.js";
import { T as COMMON } from "../common/texts.js";
import { T } from "./texts.js";

const FIRST_USER = "oSandboxUser0000000000000001";
const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

function newUser() {
  return `o${Array.from(crypto.getRandomValues(new Uint8Array(27)), (byte) => LETTERS[byte % LETTERS.length]).join("")}`;
}

// The ends of an openid; the whole one is its title.
function short(openid) {
  return openid.length > 16 ? `${openid.slice(0, 8)}…${openid.slice(-6)}` : openid;
}

export function phone(page, chat, accounts) {
  const users = new Map(accounts.map((account) => [account.name, [FIRST_USER]]));
  const account = element("select", { id: "account" }, ...Object.entries(COMMON.kinds).map(([kind, label]) => {
    const options = accounts.filter((one) => one.kind === kind).map(({ name }) => element("option", { value: name, textContent: name }));
    return options.length ? element("optgroup", { label }, ...options) : null;
  }));
  const user = choice([], { id: "user" });
  const typed = element("textarea", { id: "text", rows: 1, placeholder: T.message, aria: { label: T.message } });
  const form = element("div", { className: "form", hidden: true });
  const menu = element("div", { className: "menu-bar", hidden: true, aria: { role: "group", label: T.menu } });
  const current = () => accounts.find((one) => one.name === account.value);

  function fillUsers(selected) {
    const known = users.get(account.value);
    const options = known.map((openid) => element("option", { value: openid, textContent: short(openid), title: openid }));
    user.replaceChildren(...options, element("option", { value: "", textContent: `+ ${T.newUser}` }));
    user.value = selected;
  }

  function talk(openid) {
    fillUsers(openid);
    Object.assign(page, { account: current(), openid });
    chat.talk(current(), openid);
    plus.querySelectorAll("[data-kind]").forEach((button) => { button.hidden = button.dataset.kind !== current().kind; });
    showMenu();
  }

  account.addEventListener("change", () => talk(users.get(account.value)[0]));
  user.addEventListener("change", () => {
    if (!user.value) users.get(account.value).push(newUser());
    talk(user.value || users.get(account.value).at(-1));
  });
  onChange(() => {
    const known = users.get(account.value);
    const seen = feed.push.filter((push) => push.account === account.value && push.openid && !known.includes(push.openid)).map((push) => push.openid);
    if (!seen.length) return;
    known.push(...new Set(seen));
    fillUsers(user.value);
  });

  const event = (name, fields = {}) => chat.send({ type: "event", event: name, fields });

  async function sendPicture(filename, data) {
    try {
      await chat.send({ type: "image", fields: { MediaId: await upload(account.value, filename, data) } });
    } catch (error) {
      ask([], () => {}, error.message);
    }
  }

  // Shows a small form; `done` gets its values, and may return what is wrong with them.
  function ask(fields, done, problem = "") {
    const shown = element("output", { className: "problem", textContent: problem });
    const plain = { spellcheck: false, autocomplete: "off" };
    const inputs = fields.map(([, value, rows]) => (rows ? element("textarea", { value, rows, ...plain }) : element("input", { value, ...plain })));
    const close = () => { form.hidden = true; typed.focus(); };
    const submit = () => {
      const wrong = done(...inputs.map((input) => input.value.trim()));
      if (wrong) shown.textContent = wrong;
      else close();
    };
    const buttons = [element("button", { type: "button", textContent: COMMON.cancel, on: { click: close } })];
    if (fields.length) buttons.push(element("button", { type: "button", className: "primary", textContent: COMMON.send, on: { click: submit } }));
    form.replaceChildren(...fields.map(([name], index) => labelled(name, inputs[index])), shown, element("div", { className: "row" }, ...buttons));
    form.onkeydown = (pressed) => {
      if (pressed.key === "Escape") close();
      if (pressed.key === "Enter" && pressed.target.tagName === "INPUT") submit();
    };
    form.hidden = false;
    if (inputs.length) inputs[0].focus();
  }

  function anyEvent(name, json) {
    let fields = null;
    try { fields = JSON.parse(json || "{}"); } catch (error) { return error.message; }
    if (!name) return T.eventName;
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return T.notObject;
    event(name, fields);
    return "";
  }

  async function showMenu() {
    const asked = account.value;
    const { buttons } = await get(`/sandbox/menu?account=${encodeURIComponent(asked)}`).catch(() => ({ buttons: [] }));
    if (asked !== account.value) return;
    const flat = buttons.flatMap((button) => (button.buttons.length ? button.buttons : [button]));
    menu.replaceChildren(...flat.map((button) => element("button", { type: "button", textContent: button.name, on: { click: () => {
      if (button.type === "view") event("VIEW", { EventKey: button.url });
      else if (button.type === "miniprogram") event("view_miniprogram", { EventKey: button.page });
      else event(button.type === "click" ? "CLICK" : button.type, { EventKey: button.key });
    } } })));
    menu.hidden = !flat.length;
  }
  let menuCalls = 0;
  onChange(() => {
    const calls = feed.call.filter((call) => call.path.startsWith("/cgi-bin/menu/")).length;
    if (calls !== menuCalls) showMenu();
    menuCalls = calls;
  });

  const files = element("input", { type: "file", accept: "image/png,image/jpeg,image/gif", hidden: true, on: { change: async () => {
    const [file] = files.files;
    if (file) await sendPicture(file.name, await file.arrayBuffer());
    files.value = "";
  } } });
  const action = (text, run, kind) => element("button", { type: "button", textContent: text, data: kind ? { kind } : {}, on: { click: run } });
  const official = "official_account";
  const mini = "mini_program";
  const plus = element("div", { className: "actions", id: "actions", hidden: true, aria: { role: "group", label: T.more } },
    action(T.picture, async () => sendPicture("sample.png", await (await fetch("/sandbox/page/common/icon.png")).arrayBuffer())),
    action(T.file, () => files.click()),
    action(T.location, () => chat.send({ type: "location" }), official),
    action(T.link, () => chat.send({ type: "link" }), official),
    action(T.card, () => chat.send({ type: "miniprogrampage" }), mini),
    action(T.click, () => ask([[T.key, "help"]], (key) => { event("CLICK", { EventKey: key }); }), official),
    action(T.scan, () => ask([[T.scene, "poster"]], (scene) => { event("SCAN", { EventKey: scene, Ticket: `gQ${scene}` }); }), official),
    action(T.subscribe, () => event("subscribe"), official),
    action(T.unsubscribe, () => event("unsubscribe"), official),
    action(T.enter, () => event("user_enter_tempsession", { SessionFrom: "sandbox" }), mini),
    action(T.event, () => ask([[T.eventName, "CLICK"], [T.fields, '{"EventKey": "help"}', 3]], anyEvent)));

  function send() {
    const content = typed.value.trim();
    if (!content) return;
    typed.value = "";
    chat.say(content);
  }
  typed.addEventListener("keydown", (pressed) => {
    if (pressed.key !== "Enter" || pressed.shiftKey || pressed.isComposing) return;
    pressed.preventDefault();
    send();
  });
  const toggle = () => {
    plus.hidden = !plus.hidden;
    more.setAttribute("aria-expanded", String(!plus.hidden));
  };
  const aria = { label: T.more, expanded: "false", controls: "actions" };
  const more = element("button", { type: "button", className: "round", textContent: "+", title: T.more, aria, on: { click: toggle } });
  const sending = element("button", { type: "button", id: "send", className: "primary", textContent: COMMON.send, on: { click: send } });

  const made = element("section", { className: "phone", aria: { label: T.chat } },
    element("header", {}, labelled(COMMON.account, account), labelled(COMMON.user, user)),
    chat.log, menu, form,
    element("div", { className: "composer" }, more, typed, sending),
    plus, files);
  talk(FIRST_USER);
  onChange(() => chat.render());
  setInterval(changed, 5000); // the typing indicator ends
  return made;
}
