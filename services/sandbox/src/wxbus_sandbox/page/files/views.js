// The views of the page, in the order of their tabs. A view is a folder with `view.js`, `texts.js` and `style.css`:
//
//   export const view = {
//     id: "trace",                 // the name of its folder, and of its tab
//     title: T.trace,
//     build(page) { ... },         // the element of the view; `page` is described in page.js
//   };
//
// Narrow windows show one view at a time, others the chat and one view beside it.
import { view as badDay } from "./bad-day/view.js";
import { view as chat } from "./chat/view.js";
import { view as customerService } from "./customer-service/view.js";
import { view as miniProgram } from "./mini-program/view.js";
import { view as requests } from "./requests/view.js";
import { view as trace } from "./trace/view.js";

export const VIEWS = [chat, requests, trace, customerService, miniProgram, badDay];
