// What all views say.
import { translated } from "./language.js";

export const TEXTS = {
  en: {
    title: "wxbus sandbox",
    nothingLeaves: "Nothing here reaches WeChat.",
    views: "Views",
    connected: "connected",
    disconnected: "The sandbox does not answer; trying again.",
    account: "Account",
    user: "User",
    kinds: {
      official_account: "Official Account",
      mini_program: "Mini Program",
    },
    send: "Send",
    cancel: "Cancel",
    done: "Done.",
  },
  zh: {
    title: "wxbus 沙箱",
    nothingLeaves: "这里的一切都不会发到微信。",
    views: "视图",
    connected: "已连接",
    disconnected: "沙箱没有响应，正在重试。",
    account: "账号",
    user: "用户",
    kinds: {
      official_account: "公众号",
      mini_program: "小程序",
    },
    send: "发送",
    cancel: "取消",
    done: "已完成。",
  },
};

export const T = translated(TEXTS);
