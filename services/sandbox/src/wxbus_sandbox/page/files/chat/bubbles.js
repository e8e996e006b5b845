// A message as WeChat shows it. `say` sends a text as the user, for menus of choices.
import { element } from "../common/dom.js";
import { T } from "./texts.js";

const LINK = /<a\s+[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')[^>]*>([\s\S]*?)<\/a>|(https?:\/\/[^\s<>"'，。；！？）】]+)/gi;

// An <a> of WeChat's text and a bare address become links; any other markup stays text.
export function linked(text, say) {
  const parts = [];
  let at = 0;
  for (const match of String(text).matchAll(LINK)) {
    const address = match[1] ?? match[2] ?? match[4].replace(/[.,;:!?)]+$/, ""); // the end of a sentence is not part of an address
    const made = link(address.replaceAll("&amp;", "&"), match[3] ?? address, say);
    if (!made) continue;
    parts.push(String(text).slice(at, match.index), made);
    at = match.index + (match[4] ? address.length : match[0].length);
  }
  return [...parts, String(text).slice(at)];
}

function isWeb(address) {
  return /^https?:\/\//i.test(address || "");
}

function anchor(href, textContent) {
  return element("a", { href, textContent, target: "_blank", rel: "noreferrer noopener" });
}

function link(address, label, say) {
  if (isWeb(address)) return anchor(address, label);
  const choice = /^weixin:\/\/bizmsgmenu\?(.*)$/i.exec(address);
  if (!choice || !say) return null;
  const asked = new URLSearchParams(choice[1]);
  return chosen(label, asked.get("msgmenucontent") || label, asked.get("msgmenuid"), say);
}

function chosen(label, content, id, say) {
  const click = () => say(content, id ? { bizmsgmenuid: String(id) } : {});
  return element("button", { type: "button", className: "choice", textContent: label, on: { click } });
}

export function picture(mediaId) {
  const shown = element("img", { alt: T.picture, src: `/sandbox/media/${encodeURIComponent(mediaId)}`, loading: "lazy" });
  shown.addEventListener("error", () => shown.replaceWith(element("span", { className: "lost", textContent: `${T.picture}: ${T.noMedia}` })));
  return shown;
}

function card(kind, title, description, address, foot) {
  const name = isWeb(address) ? anchor(address, title) : element("span", { textContent: title });
  return element("div", { className: "card" },
    element("strong", {}, name), description ? element("p", { textContent: description }) : null,
    element("small", { textContent: foot ? `${kind} · ${foot}` : kind }));
}

function news(articles) {
  return element("div", { className: "news" }, ...articles.map((one) => card(T.article, one.title || "", one.description, one.url, one.picurl)));
}

function miniProgramPage(body) {
  return element("div", { className: "card page" },
    element("strong", { textContent: body.title }), picture(body.thumb_media_id),
    element("small", { textContent: `${T.miniProgram} · ${body.pagepath || ""}` }));
}

function lower(value) {
  return Object.fromEntries(Object.entries(value || {}).map(([name, member]) => [name.toLowerCase(), member]));
}

// A customer-service message: the body of its API call.
export function ofMessage({ msgtype, payload }, say) {
  const body = payload[msgtype] || {};
  switch (msgtype) {
    case "text": return linked(body.content, say);
    case "image": return [picture(body.media_id)];
    case "voice": return [element("span", { textContent: `▸ ${T.voice}` })];
    case "video": return [card(T.video, body.title || T.video, body.description)];
    case "music": return [card(T.music, body.title || T.music, body.description, body.musicurl)];
    case "news": return [news(body.articles || [])];
    case "link": return [card(T.link, body.title || "", body.description, body.url)];
    case "mpnews": case "mpnewsarticle": return [card(T.article, body.media_id || body.article_id)];
    case "wxcard": return [card(T.coupon, body.card_id)];
    case "miniprogrampage": return [miniProgramPage(body)];
    case "msgmenu": return [element("div", { className: "menu" }, ...linked(body.head_content || "", say),
      ...(body.list || []).map((one) => chosen(one.content, one.content, one.id, say)), ...linked(body.tail_content || "", say))];
    default: return [element("code", { textContent: `${msgtype} ${JSON.stringify(body)}` })];
  }
}

// A passive reply: the answer to a callback.
export function ofReply(reply, say) {
  const kind = reply.MsgType || "";
  const articles = (reply.Articles || []).map(lower);
  const member = lower(reply[kind.charAt(0).toUpperCase() + kind.slice(1)]);
  const body = kind === "text" ? { content: reply.Content } : kind === "news" ? { articles } : { ...member, media_id: member.mediaid };
  return ofMessage({ msgtype: kind, payload: { [kind]: body } }, say);
}

// What the user sent.
export function ofPush(push) {
  switch (push.MsgType) {
    case "text": return [push.Content];
    case "image": return [picture(push.MediaId)];
    case "voice": return [element("span", { textContent: `▸ ${T.voice}` })];
    case "video": case "shortvideo": return [card(T.video, T.video)];
    case "location": return [card(T.location, push.Label || T.location, `${push.Location_X}, ${push.Location_Y}`)];
    case "link": return [card(T.link, push.Title, push.Description, push.Url)];
    case "file": return [card(T.file_, push.Title)];
    case "miniprogrampage": return [card(T.miniProgram, push.Title, push.PagePath)];
    default: return [element("code", { textContent: push.MsgType || "" })];
  }
}

// A template or subscription message: a notification with its fields.
export function ofTemplate({ template_id, data }) {
  const rows = Object.entries(data || {}).map(([name, field]) => element("p", { textContent: `${name}: ${(field && field.value) ?? field}` }));
  const title = element("strong", { textContent: T.template });
  return [element("div", { className: "card" }, title, ...rows, element("small", { textContent: template_id || "" }))];
}
