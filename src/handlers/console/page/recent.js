// The commands that were run in this tab, to be run again.
// SPDX-License-Identifier: GPL-2.0-or-later
import { element } from "./dom.js";

const KEY = "httpd-console-recent";
const MOST = 8;

function load() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY));
    return Array.isArray(kept) ? kept.filter((line) => typeof line === "string").slice(0, MOST) : [];
  } catch {
    return []; // a browser that keeps nothing for pages
  }
}

/// Returns add(line). `chosen(line)` is called when one of the commands is pressed.
export function makeRecent(place, chosen) {
  let lines = load();

  function show() {
    place.hidden = lines.length === 0;
    place.querySelector("ul").replaceChildren(...lines.map((line) => {
      const button = element("button", { type: "button" }, line);
      button.addEventListener("click", () => chosen(line));
      return element("li", {}, button);
    }));
  }

  show();
  return (line) => {
    lines = [line, ...lines.filter((other) => other !== line)].slice(0, MOST);
    try {
      sessionStorage.setItem(KEY, JSON.stringify(lines));
    } catch {
      // They are kept as long as the page is.
    }
    show();
  };
}
