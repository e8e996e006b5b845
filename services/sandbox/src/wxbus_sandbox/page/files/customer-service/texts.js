// The texts of the view.
import { translated } from "../common/language.js";

export const TEXTS = {
  en: {
    title: "Customer service",
    hint: "No user is waiting. A handler that returns reply.TransferToCustomerService() hands its user to a human: you, here. The account needs reply = \"passive\", a Mini Program reply = \"transfer\". Until you close the conversation, the user's messages come to you instead of the handlers.",
    waiting: (since) => `waiting since ${since}`,
    session: (agent, since) => `with ${agent} since ${since}`,
    takeOver: (user) => `Take over ${user}`,
    accept: "Accept",
    open: "Open",
    conversation: "Conversation of the human",
    answer: "Answer as the human",
    picture: "Picture…",
    close: "Close the conversation",
  },
  zh: {
    title: "客服",
    hint: "没有用户在等待。处理函数返回 reply.TransferToCustomerService() 后，用户会转给人工客服，也就是这里的您。公众号需设置 reply = \"passive\"，小程序需设置 reply = \"transfer\"。在您结束会话之前，用户的消息发给您，而不是处理函数。",
    waiting: (since) => `${since} 起等待接入`,
    session: (agent, since) => `${since} 起由 ${agent} 接待`,
    takeOver: (user) => `主动接入 ${user}`,
    accept: "接入",
    open: "打开",
    conversation: "人工客服会话",
    answer: "以人工客服身份回复",
    picture: "图片…",
    close: "结束会话",
  },
};

export const T = translated(TEXTS);
