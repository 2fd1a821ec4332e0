// The console's page: joins the stream of events to the numbers, the tables, the plots and the MI command box.
// SPDX-License-Identifier: GPL-2.0-or-later
import "./dygraphs_licence.js";
import { makeCommandBox } from "./command.js";
import { element, setText } from "./dom.js";
import { listen } from "./events.js";
import * as numbers from "./numbers.js";
import { makePlots } from "./plots.js";
import * as tables from "./tables.js";

document.documentElement.classList.add("js");
setText(document.getElementById("host"), location.host);
document.title = `httpd console – ${location.host}`;

const showNumbers = numbers.follow();
const showTables = tables.follow();
const plots = makePlots();
const GROUP = "httpd:";
const statistics = new Set([GROUP]);
const box = makeCommandBox(document.body.dataset.mi, () => [...statistics].sort());

// The name of a statistic is a button that asks for it: without its group, as OpenSIPS looks names up.
for (const name of document.querySelectorAll("#numbers code, #plots li code")) {
  const plain = name.textContent.slice(GROUP.length);
  statistics.add(plain);
  if (box.put === null) continue;
  const line = `get_statistics ${plain}`;
  const button = element("button", { type: "button", title: `Put “${line}” into the command box` }, ...name.childNodes);
  button.addEventListener("click", () => box.put(line));
  name.append(button);
}

// What has come and is not shown yet. Nothing is shown while nobody sees it, and only the latest of each afterwards.
const news = { numbers: {}, tables: {}, plots: false };
let frame = 0;

function show() {
  frame = 0;
  showNumbers(news.numbers);
  showTables(news.tables);
  if (news.plots) plots.draw();
  news.numbers = {};
  news.tables = {};
  news.plots = false;
}

function soon() {
  if (frame === 0 && !document.hidden) frame = requestAnimationFrame(show);
}

document.addEventListener("visibilitychange", soon);

let connected = false;

listen({
  connection(state, text) {
    const place = document.getElementById("state");
    setText(place, text);
    place.dataset.state = state;
    document.body.classList.toggle("stale", state !== "live");
  },
  hello({ build }) {
    document.getElementById("reload").hidden = build === document.body.dataset.build;
    if (connected) box.reconnected();
    connected = true;
  },
  samples(samples) {
    plots.add(samples);
    news.plots = true;
    soon();
  },
  state(state) {
    for (const name of Object.keys(state.numbers ?? {})) {
      if (name.startsWith(GROUP) && !name.endsWith("/s")) statistics.add(name.slice(GROUP.length));
    }
    Object.assign(news.numbers, state.numbers);
    Object.assign(news.tables, state.tables);
    soon();
  },
});

document.querySelector("#reload button").addEventListener("click", () => location.reload());

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.altKey || event.ctrlKey || event.metaKey) return;
  const line = document.getElementById("line");
  event.preventDefault();
  line.focus();
  line.select?.(); // no field where mi_http is missing
});
