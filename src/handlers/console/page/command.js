// The MI command box: completion, help, running a command, and its reply.
// SPDX-License-Identifier: GPL-2.0-or-later
import { element, setText } from "./dom.js";
import { call } from "./mi.js";
import { makeRecent } from "./recent.js";
import { tree } from "./tree.js";
import { gathers, parse } from "./words.js";

const $ = (id) => document.getElementById(id);

/// An array of names, which some versions put into an object.
function namesOf(result) {
  const list = Array.isArray(result) ? result : Object.values(result ?? {}).find(Array.isArray);
  return (list ?? []).filter((name) => typeof name === "string");
}

function firstWord(line) {
  return line.trimStart().split(/\s/, 1)[0];
}

function missing() {
  $("command").replaceWith(element("p", { id: "line", tabIndex: -1 }, "The module mi_http is not loaded, so there is no MI to talk to. Add ",
    element("code", {}, 'loadmodule "mi_http.so"'), " to the configuration, start the server again, and load this page again."));
}

/// The help of the command that is being typed, once the typing stops. OpenSIPS does not list the names that commands
/// had before 4.0 and knows them all the same, so any word is asked about that has a space behind it.
function makeHelp(url, known) {
  const texts = new Map();
  let timer = 0;

  async function show(name) {
    if (!texts.has(name)) {
      const reply = await call(url, { method: "help", params: { mi_cmd: name } }).catch(() => null);
      if (reply === null && known.has(name)) return;
      const { Help: text = "", ...others } = reply?.result ?? {};
      texts.set(name, [text, ...Object.entries(others).map(([key, value]) => `${key}: ${value}`)].filter(Boolean).join(" — "));
    }
    // Replies may overtake each other, and the typing them all.
    if (firstWord($("line").value) === name) setText($("help"), texts.get(name));
  }

  return {
    typed() {
      clearTimeout(timer);
      const name = firstWord($("line").value);
      const whole = name !== "" && /\s/.test($("line").value.trimStart());
      if (!known.has(name) && !whole) setText($("help"), "");
      else timer = setTimeout(() => show(name), 200);
    },
    forget: () => texts.clear(),
  };
}

/// Returns {put(line), reconnected()}. `statistics()` has the names that get_statistics and its like are completed with.
export function makeCommandBox(url, statistics) {
  if (!url) {
    missing();
    return { put: null, reconnected() {} };
  }
  const line = $("line");
  const known = new Set();
  const help = makeHelp(url, known);
  let loaded = false;
  let running = null;

  /// Commands, or behind get_statistics and its like whole lines with the names of statistics.
  function complete() {
    const name = firstWord(line.value);
    const names = gathers(name) && /\s/.test(line.value.trimStart());
    const kind = names ? line.value.slice(0, line.value.lastIndexOf(" ") + 1) : "";
    if ($("commands").dataset.kind === kind) return;
    $("commands").dataset.kind = kind;
    const values = names ? statistics().map((statistic) => kind + statistic) : [...known].sort();
    $("commands").replaceChildren(...values.map((value) => element("option", { value })));
  }

  async function load() {
    if (loaded) return;
    loaded = true;
    try {
      const names = namesOf((await call(url, { method: "which" })).result);
      known.clear();
      for (const name of names) known.add(name);
      delete $("commands").dataset.kind;
      complete();
      help.typed();
    } catch {
      loaded = false; // tried again at the next focus; a command that is run says what is wrong
    }
  }

  function outcome(text, failed) {
    setText($("outcome"), text);
    $("outcome").dataset.state = failed ? "bad" : "";
  }

  function reply(...children) {
    $("reply").replaceChildren(...children);
    $("reply").hidden = children.length === 0;
  }

  async function run() {
    let request;
    try {
      request = parse(line.value);
    } catch (error) {
      outcome(error.message, true);
      return;
    }
    running?.abort();
    const mine = new AbortController();
    running = mine;
    remember(line.value.trim());
    $("abandon").hidden = false;
    outcome(`${request.method} runs…`, false);
    reply();
    const begin = performance.now();
    try {
      const { shown } = await call(url, request, mine.signal);
      if (running !== mine) return;
      outcome(`${request.method} answered in ${(performance.now() - begin).toFixed(0)} ms.`, false);
      reply(tree(request.method, shown));
    } catch (error) {
      if (running !== mine) return;
      const abandoned = error.name === "AbortError";
      outcome(abandoned ? `${request.method} was abandoned. The server may still carry it out.` : error.message, !abandoned);
      reply(...(error.data === undefined ? [] : [tree("data", error.data)]));
    } finally {
      if (running === mine) {
        running = null;
        if (document.activeElement === $("abandon")) line.focus(); // it would be nowhere
        $("abandon").hidden = true;
      }
    }
  }

  function put(text) {
    line.value = text;
    line.focus();
    line.setSelectionRange(text.length, text.length);
    complete();
    help.typed();
  }

  const remember = makeRecent($("recent"), put);
  line.addEventListener("focus", load);
  line.addEventListener("input", () => {
    complete();
    help.typed();
  });
  $("command").addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  function abandon() {
    running?.abort();
    line.focus();
  }
  $("abandon").addEventListener("click", abandon);
  $("mi").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && running) abandon();
  });
  return {
    put,
    // Another configuration may have other commands.
    reconnected() {
      const again = loaded;
      loaded = false;
      help.forget();
      if (again) load();
    },
  };
}
