// A value of JSON as a tree that is folded below its first level, and built as it is opened.
// SPDX-License-Identifier: GPL-2.0-or-later
import { element, setText } from "./dom.js";
import { Digits, Members } from "./json.js";

const PAGE = 100; // entries at a time

function isScalar(value) {
  return value === null || typeof value !== "object" || value instanceof Digits;
}

/// What is in an array or an object: [[name, value], …].
function entriesOf(value) {
  return value instanceof Members ? value.entries : Object.entries(value);
}

function scalar(value) {
  if (value instanceof Digits) return element("span", { className: "value number" }, value.text);
  const kind = value === null ? "null" : typeof value;
  // Strings have their quotes, so that "12" and 12, "true" and true are told apart by more than the colour.
  return element("span", { className: `value ${kind}` }, kind === "string" ? JSON.stringify(value) : String(value));
}

function amount(value) {
  const count = entriesOf(value).length;
  const [one, many, open, close] = Array.isArray(value) ? ["element", "elements", "[", "]"] : ["member", "members", "{", "}"];
  return element("span", { className: "amount" }, `${open}${count} ${count === 1 ? one : many}${close}`);
}

function entry(key, value, open) {
  const item = element("li");
  const name = element("span", { className: "key" }, String(key));
  if (isScalar(value)) item.append(name, scalar(value));
  else if (entriesOf(value).length === 0) item.append(name, amount(value));
  else item.append(branch(name, value, open));
  return item;
}

function fill(list, entries, open) {
  let shown = 0;
  function next() {
    const items = entries.slice(shown, shown + PAGE).map(([key, value]) => entry(key, value, open));
    shown += items.length;
    return items;
  }
  list.append(...next());
  if (shown >= entries.length) return;
  const button = element("button", { type: "button" });
  const last = list.appendChild(element("li", { className: "more" }, button));
  const label = () => setText(button, `Show ${Math.min(PAGE, entries.length - shown)} more of ${entries.length}`);
  button.addEventListener("click", () => {
    const items = next();
    // The button stays where it is, and when it goes the focus does not go with it.
    last.before(...items);
    if (shown < entries.length) {
      label();
    } else {
      items[0].tabIndex = -1;
      items[0].focus();
      last.remove();
    }
  });
  label();
}

function branch(name, value, open) {
  const list = element("ul");
  const details = element("details", { open }, element("summary", {}, name, amount(value)), list);
  const entries = entriesOf(value);
  // What only wraps another one is opened together with it.
  const build = () => fill(list, entries, entries.length === 1);
  if (open) build();
  else details.addEventListener("toggle", build, { once: true });
  return details;
}

/// The tree of `value`, of JSON.parse() or of read() in json.js, under a name.
export function tree(name, value) {
  const title = element("span", { className: "key" }, name);
  if (isScalar(value)) return element("p", {}, title, scalar(value));
  return branch(title, value, true);
}
