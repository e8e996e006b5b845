// Explains what is wrong with an answer to a callback.
import { T } from "./texts.js";

const LATE = "no complete response"; // prefix of the sandbox's reason for a time-out

// `status` is null without a complete answer; `reason` is the sandbox's.
export function inWords(status, reason) {
  if (status === null) return reason.startsWith(LATE) ? T.late : T.unreachable;
  if (status === 200) return reason ? `${T.invalid} ${reason}` : T.invalid;
  return T.refused[status] || T.otherStatus(status);
}

// The failure of an attempt to push, "" for a good one.
export function ofAttempt({ status, outcome, reason }) {
  if (outcome !== "failed" && outcome !== "invalid") return "";
  return inWords(status, reason);
}
