// The texts of several views.
import { translated } from "./language.js";

export const TEXTS = {
  en: {
    title: "wxbus sandbox",
    purpose: "WeChat on your desk: nothing here reaches the real one.",
    views: "Views",
    connected: "connected",
    disconnected: "The sandbox does not answer. Does it still run? Trying again.",
    account: "Account",
    user: "User",
    kinds: {
      official_account: "Official Account",
      mini_program: "Mini Program",
    },
    send: "Send",
    cancel: "Cancel",
    done: "Done.",
    unreachable: "Ingress does not answer at its address: it is stopped, or the connection was cut.",
    late: "Ingress answered too late: WeChat waits 5 s.",
    invalid: "WeChat does not accept this answer:",
    refused: {
      400: "Ingress could not read the callback (400): is the mode or the format one that the account accepts?",
      403: "Ingress refused the signature (403): do both sides have the same Token, AES key and clock?",
      404: "Ingress does not know this account (404): do both sides have the same accounts file?",
      503: "Ingress could not store the message (503): RabbitMQ does not answer, and its own disk is full.",
    },
    otherStatus: (status) => `Ingress answered with status ${status}, not 200.`,
  },
  zh: {
    title: "wxbus 沙箱",
    purpose: "桌面上的微信：这里的一切都不会发到真正的微信。",
    views: "视图",
    connected: "已连接",
    disconnected: "沙箱没有响应，是否还在运行？正在重试。",
    account: "账号",
    user: "用户",
    kinds: {
      official_account: "公众号",
      mini_program: "小程序",
    },
    send: "发送",
    cancel: "取消",
    done: "已完成。",
    unreachable: "ingress 没有响应：未启动，或连接被断开。",
    late: "ingress 响应超时：微信只等 5 秒。",
    invalid: "微信不接受这个响应：",
    refused: {
      400: "ingress 无法解析回调（400）：账号是否接受这种加密模式和格式？",
      403: "ingress 校验签名失败（403）：两边的 Token、AES key 和时钟是否一致？",
      404: "ingress 没有这个账号（404）：两边的账号文件是否相同？",
      503: "ingress 无法保存消息（503）：RabbitMQ 没有响应，本地磁盘也已满。",
    },
    otherStatus: (status) => `ingress 返回状态码 ${status}，而不是 200。`,
  },
};

export const T = translated(TEXTS);
