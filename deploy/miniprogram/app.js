"use strict";
const config = require("./config");
const { phoneDetail, sandboxed } = require("./sandbox");
const { createClient } = require("./wxbus/wxbus");

App({
  onLaunch() {
    this.client = createClient({
      url: config.gateway,
      account: config.account,
      platform: config.sandbox ? sandboxed(config) : wx,
      onChallenge: (what) => this.ask(what),
    });
    this.position = ""; // of the last push that the chat has shown
  },

  /** Lets the visible page ask the user for the data that a call needs; false if it cannot. */
  ask(what) {
    const page = getCurrentPages().slice(-1)[0];
    return page && page.ask ? page.ask(what) : false;
  },

  /** Shares the phone number; `detail` comes from the button `getPhoneNumber`. */
  async sharePhone(detail) {
    await this.client.sharePhone(config.sandbox ? await phoneDetail(config) : detail);
  },
});
