// Elements of the page. All text is set as textContent: nothing that arrives is interpreted as markup.

export function element(name, properties = {}, ...children) {
  const { data = {}, aria = {}, on = {}, ...rest } = properties;
  const made = Object.assign(document.createElement(name), rest);
  Object.assign(made.dataset, data);
  for (const [key, value] of Object.entries(aria)) made.setAttribute(key === "role" ? key : `aria-${key}`, value);
  for (const [event, listener] of Object.entries(on)) made.addEventListener(event, listener);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

// Makes `nodes` the children of `parent`; nodes that stay keep their focus.
export function arrange(parent, nodes) {
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

export function labelled(text, input) {
  return element("label", { className: "field" }, element("span", { textContent: text }), input);
}

export function choice(options, properties = {}) {
  return element("select", properties, ...options.map(([value, text]) => element("option", { value, textContent: text })));
}

export function time(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}

export function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
