// Pictures, files and cards. No picture of another site is loaded: the page's policy forbids it.
import { element } from "../common/dom.js";
import { T } from "./texts.js";

const MEDIA = /\/sandbox\/media\/([^/?#]+)$/;

export function isWeb(address) {
  return /^https?:\/\//i.test(address || "");
}

export function anchor(href, textContent) {
  return element("a", { href, textContent, target: "_blank", rel: "noreferrer noopener" });
}

function source(mediaId) {
  return `/sandbox/media/${encodeURIComponent(mediaId)}`;
}

function lost(what) {
  return element("span", { className: "lost", textContent: `${what}: ${T.noMedia}` });
}

export function picture(mediaId) {
  const shown = element("img", { alt: T.types.image, src: source(mediaId), loading: "lazy" });
  shown.addEventListener("error", () => shown.replaceWith(lost(T.types.image)));
  return shown;
}

// A picture of a card: without it the card stays.
export function thumbnail(mediaId) {
  if (!mediaId) return null;
  const shown = element("img", { alt: "", src: source(mediaId), loading: "lazy" });
  shown.addEventListener("error", () => shown.remove());
  return shown;
}

// A player, or a link to the file if the browser cannot play it (no browser plays AMR).
export function file(player, name, mediaId) {
  if (!mediaId) return lost(name);
  const shown = element(player, { controls: true, preload: "metadata", src: source(mediaId), aria: { label: name } });
  const instead = element("a", { href: source(mediaId), textContent: `▸ ${name} (${T.download})`, download: "" });
  shown.addEventListener("error", () => shown.replaceWith(instead));
  return shown;
}

export function card(kind, title, description, address, image, foot) {
  const name = isWeb(address) ? anchor(address, title || address) : element("span", { textContent: title || "" });
  return element("div", { className: "card" }, element("strong", {}, name), image ?? null,
    description ? element("p", { textContent: description }) : null, element("small", { textContent: foot ? `${kind} · ${foot}` : kind }));
}

// An article. Its picture is shown if the sandbox has it, else the site that has it is named.
export function newsCard({ title, description, url, picurl }) {
  const own = MEDIA.exec(picurl || "");
  const site = isWeb(picurl) && !own ? T.pictureAt(new URL(picurl).host) : "";
  return card(T.types.news, title, description, url, own ? thumbnail(decodeURIComponent(own[1])) : null, site);
}

// A template message or a subscription message.
export function notification({ template_id: template, data, url, page, miniprogram }) {
  const rows = Object.entries(data || {}).map(([name, given]) => element("p", {},
    element("span", { className: "label", textContent: name }), element("span", { textContent: String(given?.value ?? given) })));
  const more = isWeb(url) ? anchor(url, T.open) : element("span", { textContent: page || miniprogram?.pagepath || "" });
  return element("div", { className: "card" }, element("strong", { textContent: T.types.template }), ...rows, more,
    element("small", { textContent: template || "" }));
}
