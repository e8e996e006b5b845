// Conversations as files: saved for tests, and played again.
import { get, postText } from "../common/control.js";
import { askFile } from "../common/dialog.js";
import { element } from "../common/dom.js";
import { labelOf } from "../common/users.js";
import { T } from "./texts.js";

function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/toml" }));
  element("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}

function turn({ number, user, title, outcome, differences }, account) {
  const head = `${number}. ${labelOf(account, user)}: ${title}`;
  const lines = differences.map((difference) => element("li", { className: "problem", textContent: difference }));
  return element("li", {}, element("span", { textContent: `${head} · ${T.outcomes[outcome] || outcome}` }), lines.length ? element("ul", {}, ...lines) : null);
}

// `show` gets the elements of the result; `userOf()` is the openid of the chosen user, "" for all.
export function conversationFiles(page, userOf, show) {
  const result = element("output", { className: "result" });
  const act = (textContent, run) => element("button", { type: "button", textContent, on: { click: async () => {
    result.className = "result";
    result.textContent = "";
    try { await run(); } catch (error) {
      result.className = "result problem";
      result.textContent = error.message;
    }
  } } });

  const save = act(T.save, async () => {
    const user = userOf();
    const { name } = page.account;
    download(`${name}.toml`, (await get("/sandbox/conversation", { account: name, ...(user ? { openid: user } : {}) })).text);
    result.textContent = T.saved(`${name}.toml`);
  });

  async function play(file) {
    result.textContent = T.playing(file.name);
    const { name } = page.account;
    const { turns } = await postText("/sandbox/conversation", { account: name }, await file.text());
    const differing = turns.filter(({ differences }) => differences.length).length;
    result.classList.toggle("problem", differing > 0);
    result.textContent = differing ? T.differing(differing, turns.length) : T.asExpected(turns.length);
    show([element("h2", { textContent: file.name }), element("ol", { className: "turns" }, ...turns.map((one) => turn(one, name)))]);
  }

  const failed = (error) => { result.className = "result problem"; result.textContent = error.message; };
  const open = act(T.play, () => askFile(".toml", (file) => play(file).catch(failed)));
  return element("div", { className: "row" }, save, open, result);
}
