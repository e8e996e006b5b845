// Pending messages of this page: shown until the sandbox reports their push.
import { post } from "../common/control.js";
import { changed, feed, now, onChange } from "../common/feed.js";

let pending = [];

// Sends as a user; the promise resolves when WeChat would stop pushing. Failures stay in the conversation.
export async function send(page, account, openid, request) {
  const own = { id: `own-${Math.random()}`, account: account.name, openid, request, time: now(), error: "" };
  pending.push(own);
  changed();
  try {
    await post("/sandbox/send", { account: account.name, openid, copies: page.copies, ...request });
    discard(own);
  } catch (error) {
    own.error = error.message;
  }
  changed();
}

export function discard(own) {
  pending = pending.filter((one) => one !== own);
  changed();
}

export function pendingOf(account, openid) {
  return pending.filter((own) => own.account === account && own.openid === openid);
}

// A push from the event stream replaces the oldest pending message of the same kind.
function settle(push) {
  const name = push.message.Event || push.message.MsgType;
  const isSame = (own) => !own.error && own.account === push.account && own.openid === push.openid && (own.request.event || own.request.type) === name;
  const found = pending.findIndex(isSame);
  if (found >= 0) pending.splice(found, 1);
  push.settled = true;
}

onChange(() => [...feed.push, ...feed.retry].filter((push) => !push.settled).forEach(settle));
