// The sandbox's control API. A rejected request throws an Error with the sandbox's text, a lost connection an Error with `T.disconnected`.
import { T } from "./texts.js";

async function ask(path, options) {
  let response = null;
  try { response = await fetch(path, options); } catch { throw new Error(T.disconnected); }
  const text = await response.text();
  let answer = {};
  try { answer = JSON.parse(text); } catch { answer = { error: text, text }; }
  if (!response.ok) throw new Error(answer.error || `${response.status} ${response.statusText}`);
  return answer;
}

function withQuery(path, query) {
  return query ? `${path}?${new URLSearchParams(query)}` : path;
}

export const get = (path, query) => ask(withQuery(path, query), {});
export const remove = (path) => ask(path, { method: "DELETE" });
const send = (method) => (path, body = {}) =>
  ask(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
export const post = send("POST");
export const put = send("PUT");
export const postText = (path, query, body) => ask(withQuery(path, query), { method: "POST", body });

// Stores a file in the sandbox; returns `media_id`, `size` and `md5`.
export function upload(account, type, filename, data) {
  return ask(withQuery("/sandbox/media", { account, type, filename }), { method: "POST", body: data });
}

// Returns a function that gives the answer of `ask`, or null if it was called again before the answer came.
export function latest(ask) {
  let asked = 0;
  return async (...given) => {
    asked += 1;
    const number = asked;
    const answer = await ask(...given);
    return number === asked ? answer : null;
  };
}
