// Any message or event, in a form made from its model.
import { get } from "../common/control.js";
import { openDialog } from "../common/dialog.js";
import { element, labelled } from "../common/dom.js";
import { field } from "./fields.js";
import { T } from "./texts.js";

const OTHER = { tag: "", type: "event", event: null, title: T.otherEvent };
const OTHER_SCHEMA = {
  type: "object",
  required: ["Event"],
  properties: {
    Event: { type: "string", minLength: 1, description: T.eventName },
    [T.fields]: { type: "array", items: { type: "object", properties: { [T.name]: { type: "string" }, [T.value]: { type: "string" } } } },
  },
};

function nameOf({ tag, type, event, title }) {
  return tag ? `${event ? `${T.event} ${event}` : type}: ${title}` : title;
}

// Texts as they are, and `fields` of an event that has no model.
function otherRequest({ Event: event, [T.fields]: rows = [] }) {
  return { type: "event", event, fields: Object.fromEntries(rows.map((row) => [row[T.name] || "", row[T.value] || ""])) };
}

function requestOf({ type, event }, fields) {
  return { type, event, fields: event ? fields : { ...fields, MsgType: type } };
}

// Opens the form; `send` gets the request of the message.
export async function openForm(send) {
  const forms = [...(await get("/sandbox/forms")), OTHER];
  const search = element("input", { type: "search", placeholder: T.searchHint, autocomplete: "off" });
  const list = element("select", { size: 6, aria: { label: T.messageKinds } });
  const body = element("div", { className: "fields" });
  let chosen = null;
  let made = null;

  function fill() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = forms.filter((form) => !form.tag || words.every((word) => nameOf(form).toLowerCase().includes(word)));
    list.replaceChildren(...found.map((form) => element("option", { value: form.tag, textContent: nameOf(form) })));
    list.selectedIndex = 0;
    choose();
  }

  async function choose() {
    const form = forms.find(({ tag }) => tag === list.value);
    if (!form || form === chosen) return;
    chosen = form;
    submit.disabled = true; // the fields are still those of another form
    const schema = form.tag ? await get(`/sandbox/forms/${encodeURIComponent(form.tag)}`) : OTHER_SCHEMA;
    if (form !== chosen) return; // another one was chosen meanwhile
    made = field("", { ...schema, type: "object" }, schema.$defs || {});
    body.replaceChildren(Object.keys(schema.properties).length ? made.node : element("p", { className: "hint", textContent: T.noFields }));
    submit.disabled = false;
  }

  search.addEventListener("input", fill);
  list.addEventListener("change", choose);
  const dialog = openDialog(T.messageKinds, [labelled(T.search, search), list, body], () => {
    const fields = made.value() || {};
    send(chosen.tag ? requestOf(chosen, fields) : otherRequest(fields));
  });
  dialog.classList.add("wide");
  const submit = dialog.querySelector("[type=submit]");
  fill();
  search.focus();
}
