// A callback or a call as a command for a shell. The page has no secrets: shell variables stand for them.

const HIDDEN = "***";

function quoted(text) {
  return `'${String(text).replaceAll("'", "'\\''")}'`;
}

// ACCESS_TOKEN for access_token.
function variable(name) {
  return name.replaceAll(/\W/g, "_").toUpperCase();
}

function parameter([name, value]) {
  return value === HIDDEN ? `${encodeURIComponent(name)}='"$${variable(name)}"'` : `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
}

function command(method, url, body) {
  const data = body === undefined ? "" : ` \\\n  -H 'Content-Type: application/json' \\\n  --data ${quoted(JSON.stringify(body))}`;
  return `curl -sS -X ${method} '${url}'${data}`;
}

// The sandbox signs a callback anew and pushes it, so it can be sent at any time.
export function asCurl(entry) {
  const { origin } = location;
  if (entry.message) return command("POST", `${origin}/sandbox/send`, { account: entry.account, message: entry.message });
  if (entry.payload) {
    const { account, openid, msgtype, payload } = entry;
    return command("POST", `${origin}/sandbox/customer_service/answer`, { account, openid, type: msgtype, content: payload[msgtype] });
  }
  const query = Object.entries(entry.query).map(parameter).join("&");
  const hasBody = entry.request !== "" && entry.method !== "GET";
  return command(entry.method, `${origin}${encodeURI(entry.path)}${query ? `?${query}` : ""}`, hasBody ? entry.request : undefined);
}
