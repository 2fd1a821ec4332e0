// A command line as opensips-cli takes it, read into the method and the params of JSON-RPC.
// SPDX-License-Identifier: GPL-2.0-or-later
import { rounded } from "./json.js";

// Commands with a parameter that is an array, and how many others stand before it: the words from there on are its
// elements, so that nobody has to type brackets.
const STATISTICS = [0, "statistics"];
const EVENTS = [1, "events"];
const ARRAYS = new Map(Object.entries({
  get_statistics: STATISTICS, "statistics:get": STATISTICS, list_statistics: STATISTICS, "statistics:list": STATISTICS,
  reset_statistics: STATISTICS, "statistics:reset": STATISTICS, raise_event: [1, "params"], "evi:raise": [1, "params"],
  dlg_push_var: [2, "DID"], "dialog:push_var": [2, "DID"], fs_subscribe: EVENTS, fs_unsubscribe: EVENTS,
  "freeswitch_scripting:subscribe": EVENTS, "freeswitch_scripting:unsubscribe": EVENTS,
}));

const NAME = /[A-Za-z_][\w-]*=/y;
const SPACE = /\s*/y;
const PLAIN = /\S+/y;

/// Whether the words behind the command are names of statistics.
export function gathers(method) {
  return ARRAYS.get(method) === STATISTICS;
}

/// `command word "quoted word" [JSON]` or `command name=value …`. Throws an Error whose message is for the reader.
export function parse(line) {
  const words = split(line);
  if (words.length === 0) throw new Error("There is no command on the line.");
  const [{ name, value: method }] = words;
  if (name !== null || typeof method !== "string") throw new Error("The line begins with the command's name.");
  const params = parameters(words.slice(1), ARRAYS.get(method));
  return params === undefined ? { method } : { method, params };
}

/// The words as the elements of an array: those of a single JSON word are so already.
function array(values) {
  return values.length === 1 && typeof values[0] !== "string" ? values[0] : values.flat();
}

function parameters(words, [before, arrayName] = [Infinity]) {
  if (words.length === 0) return undefined;
  const named = words.filter((word) => word.name !== null);
  if (named.length === 0) {
    const values = words.map((word) => word.value);
    if (values.length <= before) return values;
    const rest = array(values.slice(before));
    return before === 0 ? { [arrayName]: rest } : [...values.slice(0, before), rest];
  }
  if (named.length < words.length) throw new Error("Parameters go either all by name (name=value) or all by their order.");
  const params = {};
  for (const { name, value } of named) {
    if (Object.hasOwn(params, name)) throw new Error(`${name} is there twice.`);
    params[name] = name === arrayName && typeof value === "string" ? value.split(/\s+/).filter(Boolean) : value;
  }
  return params;
}

function match(pattern, line, at) {
  pattern.lastIndex = at;
  return pattern.exec(line)?.[0] ?? "";
}

function split(line) {
  const words = [];
  for (let at = match(SPACE, line, 0).length; at < line.length; at += match(SPACE, line, at).length) {
    const prefix = words.length > 0 ? match(NAME, line, at) : "";
    at += prefix.length;
    const [value, end] = readValue(line, at);
    if (end < line.length && !/\s/.test(line[end])) throw new Error(`A space is missing before ${line.slice(end)}`);
    words.push({ name: prefix ? prefix.slice(0, -1) : null, value });
    at = end;
  }
  return words;
}

/// The value that begins at `at`, and where it ends.
function readValue(line, at) {
  const first = line[at];
  if (first === '"' || first === "'") {
    const end = endOfString(line, at);
    return [line.slice(at + 1, end - 1).replace(/\\(["'\\])/g, "$1"), end];
  }
  if (first === "[" || first === "{") {
    const end = endOfJson(line, at);
    const text = line.slice(at, end);
    let value;
    try {
      value = JSON.parse(text);
    } catch {
      throw new Error(`This is no JSON: ${text}. A word that begins with ${first} goes into quotes.`);
    }
    // Another number than was typed must not be sent.
    for (const number of rounded(text)) throw new Error(`A browser cannot send all digits of the number ${number}. As a string, in quotes, it can.`);
    return [value, end];
  }
  const word = match(PLAIN, line, at);
  return [word, at + word.length];
}

/// Where the string that begins at `at` ends, behind its quote.
function endOfString(line, at) {
  for (let i = at + 1; i < line.length; i++) {
    if (line[i] === "\\") i++;
    else if (line[i] === line[at]) return i + 1;
  }
  throw new Error(`The quote is not closed: ${line.slice(at)}`);
}

function endOfJson(line, at) {
  let depth = 0;
  for (let i = at; i < line.length; i++) {
    if (line[i] === '"') {
      i = endOfString(line, i) - 1;
    } else if ("[{".includes(line[i])) {
      depth++;
    } else if ("]}".includes(line[i]) && --depth === 0) {
      return i + 1;
    }
  }
  throw new Error(`The JSON is not closed: ${line.slice(at)}`);
}
