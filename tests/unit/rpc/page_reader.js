// Opens the page without a browser: just enough of a document for page.js. Prints what a reader would see.
// node page_reader.js BASE_URL KEY REQUEST
"use strict";
const vm = require("node:vm");
const [base, key, request] = process.argv.slice(2);

class Node {
  constructor(name) { Object.assign(this, { name, children: [], listeners: {}, attributes: {} }); }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  setAttribute(name, value) { this.attributes[name] = value; }
  addEventListener(name, listener) { this.listeners[name] = listener; }
  set textContent(text) { this.children = [String(text)]; }
  get textContent() { return this.children.map((child) => child.textContent ?? child).join(" "); }
  set innerHTML(_) { throw new Error("markup"); }
  find(name) {
    return this.children.flatMap((child) => (child.name === name ? [child] : []).concat(child.find ? child.find(name) : []));
  }
}

const byId = { title: new Node("h1"), index: new Node("nav"), methods: new Node("main"), key: Object.assign(new Node("input"), { value: key }) };
const asked = [];
const world = {
  document: { documentElement: { lang: "en" }, createElement: (name) => new Node(name), getElementById: (id) => byId[id] },
  fetch: (path, options) => { asked.push(path); return fetch(new URL(path, `${base}/docs`), options); },
  performance,
};

(async () => {
  vm.runInNewContext(await (await fetch(`${base}/docs/page.js`)).text(), world);
  while (!byId.methods.children.length) await new Promise((resolve) => setTimeout(resolve, 5));
  const section = byId.methods.children[0];
  const offered = section.find("textarea")[0].value;
  section.find("textarea")[0].value = request;
  await section.find("button")[0].listeners.click();
  const [output] = section.find("pre");
  const seen = { title: byId.title.textContent, index: byId.index.textContent, text: section.textContent, offered, asked, output: output.textContent };
  const sections = byId.methods.children.map((each) => each.textContent);
  console.log(JSON.stringify({ ...seen, sections, failed: output.className === "failed" }));
})();
