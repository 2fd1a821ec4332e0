// The tables: rows that come as arrays of cells become rows of the page.
// SPDX-License-Identifier: GPL-2.0-or-later
import { element, setText } from "./dom.js";

// A cell is its text, or {text, state} with a state that the style sheet knows.
function fill(place, cell) {
  const { text, state } = typeof cell === "object" && cell !== null ? cell : { text: String(cell) };
  setText(place, text);
  if (state) place.dataset.state = state;
  else delete place.dataset.state;
}

function show(body, rows) {
  if (rows.length === 0) {
    const columns = body.parentNode.tHead.rows[0].cells.length;
    const none = element("td", { colSpan: columns }, "none");
    body.replaceChildren(element("tr", { className: "none" }, none));
    return;
  }
  if (body.rows[0]?.className === "none") body.replaceChildren();
  while (body.rows.length > rows.length) body.lastElementChild.remove();
  rows.forEach((cells, i) => {
    const row = body.rows[i] ?? body.appendChild(element("tr"));
    cells.forEach((cell, j) => fill(row.cells[j] ?? row.insertCell(), cell));
  });
}

/// Returns show(tables), for an object of rows by the name of the table.
export function follow() {
  const bodies = new Map();
  for (const body of document.querySelectorAll("[data-table]")) bodies.set(body.dataset.table, body);
  return (tables) => {
    for (const [name, rows] of Object.entries(tables)) {
      if (bodies.has(name)) show(bodies.get(name), rows);
    }
  };
}
