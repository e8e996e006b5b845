// A message as WeChat shows it. `say` sends a text as the user, for menus of choices.
import { element } from "../common/dom.js";
import { anchor, card, file, isWeb, newsCard, notification, picture, thumbnail } from "./cards.js";
import { T } from "./texts.js";

const LINK = /<a\s+[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')[^>]*>([\s\S]*?)<\/a>|(https?:\/\/[^\s<>"'，。；！？）】]+)/gi;

// An <a> of WeChat's text and a bare address become links; any other markup stays text.
function linked(text, say) {
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

function menu(body, say) {
  const items = (body.list || []).map((one) => chosen(one.content, one.content, one.id, say));
  return element("div", { className: "menu" }, element("div", {}, ...linked(body.head_content || "", say)), ...items,
    element("div", {}, ...linked(body.tail_content || "", say)));
}

// A customer-service message, a template message or a subscription message: the body of its API call.
export function ofMessage({ msgtype, payload }, say) {
  const body = payload[msgtype] || {};
  switch (msgtype) {
    case "text": return linked(body.content, say);
    case "image": return [picture(body.media_id)];
    case "voice": return [file("audio", T.types.voice, body.media_id)];
    case "video": return [card(T.types.video, body.title, body.description), file("video", T.types.video, body.media_id)];
    case "music": return [card(T.types.music, body.title || T.types.music, body.description, body.musicurl, thumbnail(body.thumb_media_id))];
    case "news": return [element("div", { className: "news" }, ...(body.articles || []).map(newsCard))];
    case "link": return [newsCard({ ...body, picurl: body.thumb_url })];
    case "mpnews": case "mpnewsarticle": return [card(T.types.news, body.media_id || body.article_id)];
    case "wxcard": return [card(T.types.wxcard, body.card_id)];
    case "miniprogrampage": return [card(T.types.miniprogrampage, body.title, "", "", thumbnail(body.thumb_media_id), body.pagepath)];
    case "msgmenu": return [menu(body, say)];
    case "template": case "subscribe": return [notification(payload)];
    default: return [element("code", { textContent: `${msgtype} ${JSON.stringify(body)}` })];
  }
}

function lower(value) {
  return Object.fromEntries(Object.entries(value || {}).map(([name, member]) => [name.toLowerCase(), member]));
}

// A passive reply: the answer to a callback.
export function ofReply(reply, say) {
  const kind = reply.MsgType || "";
  const articles = (reply.Articles || []).map(lower);
  const member = lower(reply[kind.charAt(0).toUpperCase() + kind.slice(1)]);
  const other = { ...member, media_id: member.mediaid, thumb_media_id: member.thumbmediaid };
  const body = kind === "text" ? { content: reply.Content } : kind === "news" ? { articles } : other;
  return ofMessage({ msgtype: kind, payload: { [kind]: body } }, say);
}

// A message of the user.
export function ofPush(push) {
  const { MsgType: kind } = push;
  switch (kind) {
    case "text": return [push.Content];
    case "image": return [picture(push.MediaId)];
    case "voice": return [file("audio", T.types.voice, push.MediaId)];
    case "video": case "shortvideo": return [file("video", T.types.video, push.MediaId)];
    case "location": return [card(T.types.location, push.Label || T.types.location, `${push.Location_X}, ${push.Location_Y}`)];
    case "link": return [card(T.types.link, push.Title, push.Description, push.Url)];
    case "file": return [card(T.types.file, push.Title, push.FileTotalLen ? T.bytes(push.FileTotalLen) : "")];
    case "miniprogrampage": return [card(T.types.miniprogrampage, push.Title, "", "", thumbnail(push.ThumbMediaId), push.PagePath)];
    default: return [element("code", { textContent: kind || "" })];
  }
}
