// The panel below the conversation: messages and events that a user can send besides text.
import { askFile, askText } from "../common/dialog.js";
import { element } from "../common/dom.js";
import { PICTURES, VIDEOS, VOICES, samplePicture, sendFile } from "./files.js";
import { openForm } from "./form.js";
import { T } from "./texts.js";

const OFFICIAL = "official_account";
const MINI = "mini_program";

export function actions(conversation) {
  const send = (type) => () => conversation.send({ type });
  const event = (name, fields = {}) => conversation.send({ type: "event", event: name, fields });
  const file = (type, kinds) => () => askFile(kinds, (chosen) => sendFile(conversation, type, chosen));
  const scan = (scene) => event("SCAN", { EventKey: scene, Ticket: `gQ${scene}` });
  const enter = () => event("user_enter_tempsession", { SessionFrom: "sandbox" });
  const form = () => openForm((request) => { conversation.send(request); }).catch((error) => conversation.addLine(error.message, true));
  const all = [
    [T.sample, async () => sendFile(conversation, "image", await samplePicture())],
    [T.pictureFile, file("image", PICTURES)],
    [T.voiceFile, file("voice", VOICES), OFFICIAL],
    [T.videoFile, file("video", VIDEOS), OFFICIAL],
    [T.anyFile, file("file", ""), OFFICIAL],
    [T.location, send("location"), OFFICIAL],
    [T.link, send("link"), OFFICIAL],
    [T.card, send("miniprogrampage"), MINI],
    [T.subscribe, () => event("subscribe"), OFFICIAL],
    [T.unsubscribe, () => event("unsubscribe"), OFFICIAL],
    [T.scan, () => askText(T.scan, T.scene, "poster", scan), OFFICIAL],
    [T.click, () => askText(T.click, T.key, "help", (key) => event("CLICK", { EventKey: key })), OFFICIAL],
    [T.enter, enter, MINI],
    [T.anything, form],
  ];
  const buttons = all.map(([textContent, click, kind = ""]) => element("button", { type: "button", textContent, data: { kind }, on: { click } }));
  return {
    made: element("div", { className: "actions", hidden: true, aria: { role: "group", label: T.more } }, ...buttons),
    show(kind) {
      for (const button of buttons) button.hidden = Boolean(button.dataset.kind) && button.dataset.kind !== kind;
    },
  };
}
