// `App`, `Page`, `getApp` and `getCurrentPages` in Node: the logic of pages runs, nothing is drawn.
"use strict";
const path = require("node:path");

function assign(data, key, value) {
  const parts = key.replace(/\[(\d+)\]/g, ".$1").split("."), last = parts.pop();
  parts.reduce((inner, part) => inner[part], data)[last] = value;
}

class Instance {
  constructor(definition) {
    Object.assign(this, definition);
    this.data = JSON.parse(JSON.stringify(definition.data));
    this.waiting = [];
  }

  setData(changes) {
    for (const [key, value] of Object.entries(changes)) assign(this.data, key, JSON.parse(JSON.stringify(value)));
    this.waiting = this.waiting.filter((look) => !look());
  }

  // Resolves when `found(data)` is true.
  until(found) {
    return new Promise((resolve) => {
      const look = () => Boolean(found(this.data)) && (resolve(this.data), true);
      if (!look()) this.waiting.push(look);
    });
  }

  // What a tap on an element with `data-item` does, whose event has this detail.
  tap(handler, { item, detail = {} } = {}) {
    return this[handler]({ currentTarget: { dataset: { item } }, detail });
  }
}

// Starts the Mini Program of a folder on a phone; returns what opens its pages.
function start(folder, wx) {
  let definition = null, app = null;
  const stack = [];
  Object.assign(globalThis, {
    wx,
    App: (given) => { app = given; },
    Page: (given) => { definition = given; },
    getApp: () => app,
    getCurrentPages: () => stack,
  });
  require(path.join(folder, "app.js"));
  app.onLaunch();
  return {
    app,
    open(name) {
      const file = require.resolve(path.join(folder, `${name}.js`));
      delete require.cache[file]; // a page's module runs once, and each visit gets an instance of its own
      require(file);
      const page = new Instance(definition);
      stack.push(page);
      if (page.onLoad) page.onLoad({});
      return page;
    },
    back() {
      stack.pop().onUnload();
    },
  };
}

module.exports = { start };
