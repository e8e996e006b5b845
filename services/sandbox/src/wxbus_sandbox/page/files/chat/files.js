// Files that a user sends: they go to the sandbox's media store, and the account gets their media id.
import { upload } from "../common/control.js";

export const PICTURES = ".png,.jpg,.jpeg,.gif";
export const VOICES = ".amr,.mp3";
export const VIDEOS = ".mp4";

function fieldsOf(type, file, { media_id: id, size, md5 }) {
  if (type === "file") return { Title: file.name, FileKey: md5, FileMd5: md5, FileTotalLen: size };
  return type === "voice" ? { MediaId: id, Format: file.name.split(".").at(-1).toLowerCase() } : { MediaId: id };
}

// `before` gets the media before the message is sent. An error becomes a line of the conversation.
export async function sendFile(conversation, type, file, before = () => {}) {
  try {
    const media = await upload(conversation.account.name, type, file.name, await file.arrayBuffer());
    await before(media);
    await conversation.send({ type, fields: fieldsOf(type, file, media) });
  } catch (error) {
    conversation.addLine(error.message, true);
  }
}

export async function samplePicture() {
  return new File([await (await fetch("/sandbox/page/common/icon.png")).blob()], "sample.png");
}
