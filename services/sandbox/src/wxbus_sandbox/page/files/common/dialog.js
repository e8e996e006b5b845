// A window of the page that asks for something: Escape closes it, Enter sends it, and the focus returns.
import { element, labelled } from "./dom.js";
import { T } from "./texts.js";

// Shows `content` with a button to send; `done` may be asynchronous. Its error stays in the window as text.
export function openDialog(title, content, done, sendText = T.send) {
  const problem = element("output", { className: "problem" });
  const submit = element("button", { type: "submit", className: "primary", textContent: sendText });
  const close = element("button", { type: "button", textContent: T.cancel, on: { click: () => dialog.close() } });
  const form = element("form", { method: "dialog" }, element("h2", { textContent: title }), ...content, problem, element("div", { className: "row ends" }, close, submit));
  const dialog = element("dialog", { aria: { label: title } }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.textContent = "";
    try {
      await done();
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
    }
    submit.disabled = false;
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

// Asks for one line of text.
export function askText(title, label, value, done) {
  const input = element("input", { value, required: true, spellcheck: false, autocomplete: "off" });
  openDialog(title, [labelled(label, input)], () => done(input.value.trim()));
  input.select();
}

// Asks for a file; `done` gets it. `kinds` are suffixes, such as ".png".
export function askFile(kinds, done) {
  const input = element("input", { type: "file", accept: kinds });
  input.addEventListener("change", () => { if (input.files[0]) done(input.files[0]); });
  input.click();
}
