// The numbers at the top of the page: how they are written, and their following.
// SPDX-License-Identifier: GPL-2.0-or-later
import { setText } from "./dom.js";

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

function show(place, text) {
  const unit = place.nextElementSibling;
  const value = Number(text);
  // Bytes alone are told in a larger unit; how many exactly is what the pointer finds.
  if (place.dataset.unit !== undefined && Number.isFinite(value)) {
    const [digits, name] = scaled(value, place.dataset.unit);
    setText(place, digits);
    setText(unit, name);
    place.parentNode.title = `${grouped(text)} ${place.dataset.unit}`;
  } else {
    setText(place, grouped(text));
  }
  place.classList.toggle("zero", value === 0);
}

/// Returns show(numbers), for an object of texts by name.
export function follow() {
  const places = new Map();
  for (const place of document.querySelectorAll("[data-number]")) {
    const unit = place.nextElementSibling?.textContent ?? "";
    if (unit.startsWith("B")) place.dataset.unit = unit;
    show(place, place.textContent);
    places.set(place.dataset.number, place);
  }
  return (numbers) => {
    for (const [name, text] of Object.entries(numbers)) {
      const place = places.get(name);
      if (place) show(place, String(text));
    }
  };
}
