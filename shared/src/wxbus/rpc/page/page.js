"use strict";
// All text is set as textContent: answers are never interpreted as markup.

const NEEDS_ZH = {
  "Requires no session.": "无需登录。",
  "Requires a session.": "需要登录。",
  "Requires a session and the user's profile.": "需要登录和用户资料。",
  "Requires a session and the user's phone number.": "需要登录和手机号。",
};
const TEXTS = {
  en: {
    required: "required", or: " or ", listOf: "list of ", anything: "anything", comma: ", ", call: "Call", request: "Request", answer: "Answer",
    needs: (text) => text, requestOf: (id) => `Request of ${id}`, retry: (wait) => `retry after ${wait} s`,
    noAnswer: "no answer: ", unreadable: "Unreadable OpenAPI document: ",
    limits: { minLength: "at least", maxLength: "at most", minimum: "from", exclusiveMinimum: "above", maximum: "to" },
  },
  zh: {
    required: "必填", or: " 或 ", listOf: "列表，元素为 ", anything: "任意值", comma: "，", call: "调用", request: "请求", answer: "返回",
    needs: (text) => NEEDS_ZH[text] || text.replace("Requires an API key with the scope ", "需要的权限：").replace(/\.$/, "。"), requestOf: (id) => `${id} 的请求`, retry: (wait) => `${wait} 秒后重试`,
    noAnswer: "没有回答：", unreadable: "无法读取 OpenAPI 文档：",
    limits: { minLength: "长度至少", maxLength: "长度至多", minimum: "不小于", exclusiveMinimum: "大于", maximum: "不大于" },
  },
};
const T = TEXTS[document.documentElement.lang.split("-")[0]] || TEXTS.en;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function resolved(schema, api) {
  const name = schema.$ref && schema.$ref.split("/").pop();
  return name ? api.components.schemas[name] : schema;
}

function words(text) {
  return (text || "").replaceAll("`", "");
}

function kind(schema, api) {
  if (schema.$ref && resolved(schema, api).enum) return kind(resolved(schema, api), api);
  if (schema.anyOf) return schema.anyOf.map((choice) => kind(choice, api)).join(T.or);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(T.or);
  if (schema.type === "array") return T.listOf + kind(schema.items || {}, api);
  return (schema.$ref && schema.$ref.split("/").pop()) || schema.type || T.anything;
}

function limits(schema) {
  const known = Object.keys(T.limits).filter((name) => name in schema);
  return known.map((name) => `${T.limits[name]} ${schema[name]}`).join(T.comma);
}

function example(schema, api, depth = 0) {
  const is = resolved(schema, api);
  if ("default" in is) return is.default;
  if (is.enum) return is.enum[0];
  if (is.anyOf) return example(is.anyOf[0], api, depth);
  if (is.type === "object" && depth < 5) {
    const required = new Set(is.required || []);
    const fields = Object.entries(is.properties || {}).filter(([name]) => required.has(name));
    return Object.fromEntries(fields.map(([name, field]) => [name, example(field, api, depth + 1)]));
  }
  return { string: "", integer: 0, number: 0, boolean: false, array: [], object: {} }[is.type] ?? null;
}

function rows(schema, api, before = "", depth = 0) {
  const is = resolved(schema, api);
  const required = new Set(is.required || []);
  return Object.entries(is.properties || {}).flatMap(([name, field]) => {
    const row = element("tr", {},
      element("td", {}, element("code", { textContent: before + name })),
      element("td", { textContent: [kind(field, api), limits(field)].filter(Boolean).join(T.comma) }),
      element("td", { textContent: required.has(name) ? T.required : "" }),
      element("td", { textContent: words(field.description) }));
    const list = field.type === "array";
    const held = list ? field.items || {} : (field.anyOf || []).find((choice) => choice.$ref) || field;
    return [row, ...(depth < 3 ? rows(held, api, `${before}${name}${list ? "[]" : ""}.`, depth + 1) : [])];
  });
}

function table(schema, api) {
  return element("div", { className: "wide" },
    element("table", {}, element("caption", { textContent: words(resolved(schema, api).description) }), ...rows(schema, api)));
}

async function call(path, body, key) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  if (key) headers.Authorization = `Bearer ${key}`;
  const began = performance.now();
  const response = await fetch(path, { method: "POST", headers, body });
  const text = await response.text();
  const wait = response.headers.get("Retry-After");
  const first = `${response.status} ${response.statusText}, ${Math.round(performance.now() - began)} ms`;
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
  return { ok: response.ok, text: `${first}${wait ? T.comma + T.retry(wait) : ""}\n\n${shown}` };
}

function section(path, operation, api) {
  const schema = operation.requestBody.content["application/json"].schema;
  const answer = operation.responses["200"].content["application/json"].schema;
  const offered = JSON.stringify(example(schema, api), null, 2);
  const input = element("textarea", { value: offered, rows: offered.split("\n").length + 1, spellcheck: false });
  input.setAttribute("aria-label", T.requestOf(operation.operationId));
  const output = element("pre", { hidden: true });
  output.setAttribute("aria-live", "polite");
  const button = element("button", { textContent: T.call });
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const result = await call(path, input.value, document.getElementById("key").value.trim());
      output.textContent = result.text;
      output.className = result.ok ? "" : "failed";
    } catch (error) {
      output.textContent = T.noAnswer + error.message;
      output.className = "failed";
    } finally {
      output.hidden = false;
      button.disabled = false;
    }
  });
  return element("section", { id: operation.operationId },
    element("h2", {}, element("code", { textContent: `POST ${path}` })),
    element("p", { textContent: words(operation.summary) }),
    element("p", { textContent: T.needs(words(operation.description)) }),
    element("h3", { textContent: T.request }), table(schema, api), input, button, output,
    element("h3", { textContent: T.answer }), table(answer, api));
}

async function main() {
  const api = await (await fetch("openapi.json")).json();
  document.title = api.info.title;
  document.getElementById("title").textContent = `${api.info.title} ${api.info.version}`;
  const sections = Object.entries(api.paths).map(([path, item]) => section(path, item.post, api));
  document.getElementById("methods").replaceChildren(...sections);
  const links = sections.map(({ id }) => element("a", { href: `#${id}`, textContent: id }));
  document.getElementById("index").replaceChildren(...links);
}

main().catch((error) => {
  document.getElementById("methods").textContent = T.unreadable + error.message;
});
