// The users of each account: users added on this page, and users with pushes or messages.
import { feed, onChange } from "./feed.js";
import { T } from "./texts.js";

const FIRST = "oSandboxUser0000000000000001";
const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
const known = new Map(); // openids by account, in the order of their labels

export function usersOf(account) {
  if (!known.has(account)) known.set(account, [FIRST]);
  return known.get(account);
}

export function newUser(account) {
  const letters = Array.from(crypto.getRandomValues(new Uint8Array(27)), (byte) => LETTERS[byte % LETTERS.length]);
  const openid = `o${letters.join("")}`;
  usersOf(account).push(openid);
  return openid;
}

// "User 2 · …KfMwQz": short, and enough to find the user in logs.
export function labelOf(account, openid) {
  const index = usersOf(account).indexOf(openid);
  const end = openid.length > 8 ? `…${openid.slice(-6)}` : openid;
  return index < 0 ? end : `${T.user} ${index + 1} · ${end}`;
}

function learn() {
  for (const { account, openid } of [...feed.push, ...feed.retry, ...feed.sent]) {
    if (account && openid && !openid.startsWith("oSandboxSystem") && !usersOf(account).includes(openid)) usersOf(account).push(openid);
  }
}

onChange(learn);
