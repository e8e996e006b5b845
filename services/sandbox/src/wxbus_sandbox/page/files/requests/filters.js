// The filters of the list.
import { choice, element } from "../common/dom.js";
import { changed } from "../common/feed.js";
import { labelOf } from "../common/users.js";
import { endpointOf, isFailed, kindOf, outcomeOf, userOf } from "./lines.js";
import { T } from "./texts.js";

const FAILED = "failed entries";

// Fills a <select> with `all` and the options; the choice stays if it is still there.
function fill(select, all, options) {
  const key = JSON.stringify(options);
  if (select.dataset.options === key) return;
  const { value } = select;
  select.dataset.options = key;
  select.replaceChildren(...[["", all], ...options].map(([name, text]) => element("option", { value: name, textContent: text })));
  select.value = options.some(([name]) => name === value) ? value : "";
}

export class Filters {
  constructor(page) {
    this.page = page;
    const select = (label) => choice([["", label]], { aria: { label }, on: { change: changed } });
    this.text = element("input", { type: "search", id: "filter", placeholder: T.filterHint, aria: { label: T.filter }, on: { input: changed } });
    this.kind = choice([["", T.allKinds], ...Object.entries(T.kinds)], { aria: { label: T.allKinds }, on: { change: changed } });
    this.user = select(T.allUsers);
    this.outcome = select(T.allOutcomes);
    this.endpoint = select(T.allEndpoints);
    this.made = element("div", { className: "filters" }, this.text, this.kind, this.user, this.outcome, this.endpoint);
  }

  // Offers the values that the entries have.
  offer(entries) {
    const distinct = (of) => [...new Set(entries.map(of).filter(Boolean))].sort();
    const users = new Map(entries.filter(userOf).map((entry) => [userOf(entry), this.accountOf(entry)]));
    fill(this.user, T.allUsers, [...users].map(([openid, account]) => [openid, labelOf(account, openid)]).sort((one, other) => one[1].localeCompare(other[1])));
    fill(this.outcome, T.allOutcomes, [[FAILED, T.allFailed], ...distinct(outcomeOf).map((name) => [name, T.outcomes[name] || name])]);
    fill(this.endpoint, T.allEndpoints, distinct(endpointOf).map((path) => [path, path]));
  }

  accountOf(entry) {
    return entry.account || this.page.accountOf(entry.appid)?.name || "";
  }

  // Returns whether the filters let an entry pass; `searched` is its text in lower case.
  pass(entry, searched) {
    const words = this.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (select, value) => !select.value || select.value === value;
    const outcome = this.outcome.value === FAILED ? isFailed(entry) : fits(this.outcome, outcomeOf(entry));
    return outcome && fits(this.kind, kindOf(entry)) && fits(this.user, userOf(entry)) && fits(this.endpoint, endpointOf(entry))
      && words.every((word) => searched.includes(word));
  }
}
