// The sandbox's control API. A refusal is an Error with the text of the sandbox.

async function ask(path, options) {
  const response = await fetch(path, options);
  const text = await response.text();
  let answer = {};
  try { answer = JSON.parse(text); } catch { answer = { error: text }; }
  if (!response.ok) throw new Error(answer.error || `${response.status} ${response.statusText}`);
  return answer;
}

export const get = (path) => ask(path, {});
export const remove = (path) => ask(path, { method: "DELETE" });
export const post = (path, body = {}) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export async function upload(account, filename, data) {
  const query = new URLSearchParams({ account, filename, type: "image" });
  return (await ask(`/sandbox/media?${query}`, { method: "POST", body: data })).media_id;
}
