"use strict";
const app = getApp();

Page({
  data: { lines: [], last: "", text: "", notice: "" },

  onLoad() {
    this.socket = app.client.connect({ position: app.position });
    this.socket.on("open", () => this.setData({ notice: "" }));
    this.socket.on("close", () => this.setData({ notice: "连接已断开，正在重连…" }));
    this.socket.on("missed", () => this.setData({ notice: "部分消息已过期" }));
    this.socket.on("chat.said", ({ text }) => this.add({ mine: false, text, state: "" }));
  },

  onUnload() {
    app.position = this.socket.position; // pushes that arrive meanwhile are shown next time
    this.socket.close();
  },

  onInput({ detail }) {
    this.setData({ text: detail.value });
  },

  async onSend() {
    const text = this.data.text.trim();
    if (!text) return;
    this.setData({ text: "" });
    const index = this.add({ mine: true, text, state: "发送中" });
    let state = ""; // stored: the shop will get it
    try {
      await this.socket.send("chat.say", { text });
    } catch (error) {
      state = `未送达：${error.message}`;
    }
    this.setData({ [`lines[${index}].state`]: state });
  },

  /** Adds a line and returns its index. */
  add(line) {
    const index = this.data.lines.length;
    this.setData({ [`lines[${index}]`]: { ...line, id: `line-${index}` }, last: `line-${index}` });
    return index;
  },
});
