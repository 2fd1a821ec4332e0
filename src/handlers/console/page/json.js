// JSON as it was written: JSON.parse() rounds what a double has no digits for, keeps one of two members of the same
// name, and puts numbers among the names first. SPDX-License-Identifier: GPL-2.0-or-later

const TOKEN = /[\s,:]*(["[\]{}]|[^\s,:[\]{}"]+)/y;

/// Where the string whose first quote is at `at` ends, behind its last one. Not by a regular expression, which has no
/// room for a string with some hundred thousand escapes.
function endOfString(text, at) {
  for (let end = text.indexOf('"', at + 1); ; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text[end - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
}

/// A number that JavaScript would write otherwise, by its digits.
export class Digits {
  constructor(text) {
    this.text = text;
  }

  /// Whether JSON.parse() makes another number of it.
  get rounded() {
    return !Number.isFinite(Number(this.text)) || Math.abs(Number(this.text)) > Number.MAX_SAFE_INTEGER;
  }
}

/// An object, by its members in their order: [[name, value], …].
export class Members {
  constructor(entries) {
    this.entries = entries;
  }
}

/// The value of a JSON text, with numbers and objects as they stand there. Throws a SyntaxError where it is no JSON.
export function read(text) {
  JSON.parse(text);
  let at = 0;

  function next() {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)[1];
    at = TOKEN.lastIndex;
    if (token !== '"') return token;
    const begin = at - 1;
    at = endOfString(text, begin);
    return text.slice(begin, at);
  }

  function value(token) {
    if (token === "[") {
      const list = [];
      for (let token = next(); token !== "]"; token = next()) list.push(value(token));
      return list;
    }
    if (token === "{") {
      const entries = [];
      for (let token = next(); token !== "}"; token = next()) entries.push([JSON.parse(token), value(next())]);
      return new Members(entries);
    }
    const parsed = JSON.parse(token);
    return typeof parsed === "number" && String(parsed) !== token ? new Digits(token) : parsed;
  }

  return value(next());
}

/// The member of this name of what read() returned: the last one, which is the one that JSON.parse() keeps.
export function member(value, name) {
  return value.entries.findLast(([own]) => own === name)?.[1];
}

/// The numbers of a JSON text that JSON.parse() would round.
export function rounded(text) {
  const found = [];
  const walk = (value) => {
    if (value instanceof Digits && value.rounded) found.push(value.text);
    else if (value instanceof Members) value.entries.forEach(([, own]) => walk(own));
    else if (Array.isArray(value)) value.forEach(walk);
  };
  walk(read(text));
  return found;
}
