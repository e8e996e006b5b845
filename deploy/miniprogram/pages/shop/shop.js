"use strict";
const app = getApp();

Page({
  data: {
    items: [
      { name: "tea", title: "茶", price: "" },
      { name: "coffee", title: "咖啡", price: "" },
    ],
    notice: "",
    busy: false,
    asking: false,
  },

  async onLoad() {
    await this.run(async () => {
      const prices = await Promise.all(this.data.items.map(({ name }) => app.client.call("orders/price", { item: name })));
      this.setData({ items: this.data.items.map((item, index) => ({ ...item, price: prices[index].text })) });
    });
  },

  onUnload() {
    this.answer(false);
  },

  async onOrder({ currentTarget }) {
    await this.order("orders/create", currentTarget.dataset.item);
  },

  async onDeliver({ currentTarget }) {
    await this.order("orders/deliver", currentTarget.dataset.item);
  },

  async onPhone({ detail }) {
    try {
      await app.sharePhone(detail);
      this.answer(true);
    } catch (error) {
      this.setData({ notice: error.message });
      this.answer(false);
    }
  },

  onCancel() {
    this.answer(false);
  },

  /** Asks the user for the phone number. `app.js` calls it when a call needs it. */
  ask(what) {
    if (what !== "phone") return false;
    return new Promise((resolve) => {
      this.resolve = resolve;
      this.setData({ asking: true });
    });
  },

  answer(shared) {
    if (!this.data.asking) return;
    this.setData({ asking: false });
    this.resolve(shared);
  },

  /** Orders once: if the answer is lost, a second call with the same key gets it. */
  async order(path, item) {
    const idempotencyKey = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    await this.run(async () => {
      const { text } = await app.client.call(path, { item }, { idempotencyKey }).catch((error) => {
        if (error.status !== 0) throw error;
        return app.client.call(path, { item }, { idempotencyKey });
      });
      this.setData({ notice: text });
    });
  },

  /** Runs with the buttons disabled, and shows an error. */
  async run(action) {
    this.setData({ busy: true, notice: "" });
    try {
      await action();
    } catch (error) {
      this.setData({ notice: error.challenge === "phone" ? "没有手机号，无法送货" : error.message });
    } finally {
      this.setData({ busy: false });
    }
  },
});
