// Making elements. Text is set as text alone: what clients and commands send is never read as markup.
// SPDX-License-Identifier: GPL-2.0-or-later

/// An element with properties, and children that are nodes or texts.
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

/// Only where it differs, so that a text that somebody is selecting stays selected.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
