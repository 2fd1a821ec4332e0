// The numbers at the top of the page: how they are written, and their following.
// SPDX-License-Identifier: GPL-2.0-or-later
import { element, setText } from "./dom.js";

const MANY = 1e6; // from here on three digits are told; how many exactly is what the pointer finds
const PREFIXES = ["", "k", "M", "G", "T", "P"];

/// A number as it came, with a thin space between thousands where there are many.
export function grouped(text) {
  return /^\d{5,}$/.test(text) ? text.replace(/\B(?=(\d{3})+$)/g, "\u202f") : text;
}

/// Three digits of a number, and the unit with the prefix that it needs: ["1.24", "MB"].
export function scaled(value, unit) {
  let power = 0;
  while (value >= 999.5 && power < PREFIXES.length - 1) {
    value /= 1000;
    power++;
  }
  const digits = power === 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return [value.toFixed(digits), PREFIXES[power] + unit];
}

function show({ number, unit, symbol, bytes }, text) {
  const value = Number(text);
  if (value >= MANY || (bytes && value >= 0)) {
    const [digits, prefixed] = scaled(value, symbol);
    setText(number, digits);
    setText(unit, prefixed);
    number.parentNode.title = `${grouped(text)} ${symbol}`;
  } else {
    setText(number, grouped(text));
    setText(unit, symbol);
    number.parentNode.title = "";
  }
  number.classList.toggle("zero", value === 0);
}

/// Returns show(numbers), for an object of texts by name.
export function follow() {
  const places = new Map();
  for (const number of document.querySelectorAll("#numbers [data-number]")) {
    const unit = number.nextElementSibling ?? number.parentNode.appendChild(element("small"));
    const symbol = unit.textContent;
    const place = { number, unit, symbol, bytes: symbol.startsWith("B") };
    show(place, number.textContent);
    places.set(number.dataset.number, place);
  }
  return (numbers) => {
    for (const [name, text] of Object.entries(numbers)) {
      if (places.has(name)) show(places.get(name), String(text));
    }
  };
}
