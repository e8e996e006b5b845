"use strict";
/** The sandbox in place of WeChat: login codes and phone codes for a developer's machine without an appid. */

const OPENID = "oSampleProgram00000000000001";

/** The answer of the sandbox's control API. */
function played(path, { sandbox, account }) {
  return new Promise((success, fail) => {
    const url = `${sandbox}/sandbox/${path}`;
    wx.request({ url, method: "POST", data: { account, openid: OPENID }, success: ({ data }) => success(data), fail });
  });
}

/** Returns `wx` whose `login` gives a code of the sandbox. */
function sandboxed(config) {
  const login = ({ success, fail }) => {
    played("login", config).then((answer) => success({ code: answer.js_code }), fail);
  };
  return Object.create(wx, { login: { value: login } });
}

/** Returns the detail of the button `getPhoneNumber`: a code of the sandbox. */
async function phoneDetail(config) {
  return (await played("user_data", config)).phone;
}

module.exports = { phoneDetail, sandboxed };
