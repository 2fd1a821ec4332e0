// A command line as opensips-cli takes it, read into the method and the params of JSON-RPC.
// SPDX-License-Identifier: GPL-2.0-or-later

// Their plain words are the one parameter `statistics`, an array, so that nobody has to type brackets.
const GATHERING = /^(?:(?:get|list|reset)_statistics|statistics:(?:get|list|reset))$/;

const NAME = /[A-Za-z_][\w-]*=/y;
const SPACE = /\s*/y;
const PLAIN = /\S+/y;

export function gathers(method) {
  return GATHERING.test(method);
}

/// `command word "quoted word" [JSON]` or `command name=value …`. Throws an Error whose message is for the reader.
export function parse(line) {
  const words = split(line);
  if (words.length === 0) throw new Error("There is no command on the line.");
  const [{ name, value: method }] = words;
  if (name !== null || typeof method !== "string") throw new Error("The line begins with the command's name.");
  const params = parameters(words.slice(1), gathers(method));
  return params === undefined ? { method } : { method, params };
}

function parameters(words, gather) {
  if (words.length === 0) return undefined;
  const named = words.filter((word) => word.name !== null);
  if (named.length === 0) {
    const values = words.map((word) => word.value);
    return gather ? { statistics: values.flat() } : values;
  }
  if (named.length < words.length) throw new Error("Parameters go either all by name (name=value) or all by their order.");
  return Object.fromEntries(named.map((word) => [word.name, word.value]));
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
    try {
      return [JSON.parse(line.slice(at, end)), end];
    } catch {
      throw new Error(`This is no JSON: ${line.slice(at, end)}. A word that begins with ${first} goes into quotes.`);
    }
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
