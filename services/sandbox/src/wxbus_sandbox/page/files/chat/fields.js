// Fields of a form, made from a JSON Schema: each has a `node`, and a `value()` that is undefined while it is empty.
import { choice, element } from "../common/dom.js";
import { T } from "./texts.js";

let count = 0;

function resolved(schema, definitions) {
  if (schema.$ref) return { ...resolved(definitions[schema.$ref.split("/").at(-1)], definitions), ...described(schema) };
  const other = schema.anyOf?.find((one) => one.type !== "null");
  return other ? { ...resolved(other, definitions), ...described(schema) } : schema;
}

function described({ description }) {
  return description ? { description } : {};
}

// Without the backticks of code.
function plain(text) {
  return text.replaceAll("`", "");
}

export function field(name, schema, definitions, isRequired = false) {
  const found = resolved(schema, definitions);
  if (found.type === "object") return group(name, found, definitions);
  if (found.type === "array") return list(name, found, definitions);
  return single(name, found, isRequired);
}

function limits({ minLength, maxLength, minimum, maximum }) {
  const lengths = { ...(minLength ? { minLength } : {}), ...(maxLength ? { maxLength } : {}) };
  return { ...lengths, ...(minimum === undefined ? {} : { min: minimum }), ...(maximum === undefined ? {} : { max: maximum }) };
}

function single(name, schema, isRequired) {
  const id = `field-${count += 1}`;
  const isNumber = schema.type === "integer" || schema.type === "number";
  const common = { id, required: isRequired, ...(schema.description ? { aria: { describedby: `${id}-help` } } : {}) };
  let input = null;
  if (schema.enum) input = choice(["", ...schema.enum].map((value) => [value, value]), common);
  else if (schema.type === "boolean") input = choice([["", ""], ["true", "true"], ["false", "false"]], common);
  else if (isNumber) input = element("input", { type: "number", step: schema.type === "integer" ? "1" : "any", ...limits(schema), ...common });
  else input = element("input", { type: "text", spellcheck: false, autocomplete: "off", ...limits(schema), ...common });
  const label = element("label", { htmlFor: id, textContent: isRequired ? `${name} *` : name });
  const help = schema.description ? element("small", { id: `${id}-help`, textContent: plain(schema.description) }) : null;
  return {
    node: element("div", { className: "field" }, label, input, help),
    value: () => {
      if (input.value === "") return undefined;
      if (schema.type === "boolean") return input.value === "true";
      return isNumber ? Number(input.value) : input.value;
    },
  };
}

function group(name, schema, definitions) {
  const required = new Set(schema.required || []);
  const members = Object.entries(schema.properties || {}).map(([member, inner]) => [member, field(member, inner, definitions, required.has(member))]);
  const legend = name ? element("legend", { textContent: name }) : null;
  const help = name && schema.description ? element("small", { textContent: plain(schema.description) }) : null;
  return {
    node: element(name ? "fieldset" : "div", { className: "members" }, legend, help, ...members.map(([, { node }]) => node)),
    value: () => {
      const given = members.map(([member, { value }]) => [member, value()]).filter(([, value]) => value !== undefined);
      return given.length ? Object.fromEntries(given) : undefined;
    },
  };
}

function list(name, schema, definitions) {
  const items = [];
  const node = element("fieldset", { className: "members" }, element("legend", { textContent: name }),
    schema.description ? element("small", { textContent: plain(schema.description) }) : null);
  const more = element("button", { type: "button", textContent: T.addItem(name), on: { click: add } });

  function add() {
    const item = field(`${name} ${items.length + 1}`, schema.items, definitions);
    const drop = element("button", { type: "button", textContent: T.removeItem, on: { click: () => {
      items.splice(items.indexOf(item), 1);
      box.remove();
      more.focus();
    } } });
    const box = element("div", { className: "item" }, item.node, drop);
    items.push(item);
    more.before(box);
    box.querySelector("input, select")?.focus();
  }

  node.append(more);
  return {
    node,
    value: () => {
      const given = items.map(({ value }) => value()).filter((value) => value !== undefined);
      return given.length ? given : undefined;
    },
  };
}
