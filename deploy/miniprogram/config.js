"use strict";
module.exports = {
  /** Address of the gateway. In production: https, and on the list of server domains in WeChat's console. */
  gateway: "http://127.0.0.1:8083",
  /** Name of the account in the accounts file. */
  account: "mini",
  /** Address of the sandbox, which plays WeChat; "" with an appid of your own. */
  sandbox: "http://127.0.0.1:8082",
};
