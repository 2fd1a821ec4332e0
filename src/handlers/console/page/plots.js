// The two plots, with legends that tell the values under the cursor, or else the latest ones.
// SPDX-License-Identifier: GPL-2.0-or-later
import Dygraph from "dygraphs";
import { setText } from "./dom.js";
import { WINDOW, makeSamples } from "./samples.js";

// Dygraphs' own legend is markup with style attributes, which the page's policy forbids; the others are not used.
Dygraph.PLUGINS = [Dygraph.Plugins.Axes, Dygraph.Plugins.Grid];

const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: "UTC" });
// Told apart without colours, too.
const STROKES = [{ strokeWidth: 1.6, fillGraph: true }, { strokeWidth: 1.6, strokePattern: [6, 3] },
  { strokeWidth: 1.8, strokePattern: [2, 2] }];
const LETTERS = ["a", "b", "c"];
const LONGEST = 60_000; // the last step of httpd:handler_time_ROOT_le_*: what takes longer is known to do so, no more

const PLOTS = [
  { id: "plot-requests", names: ["requests", "4xx", "5xx"], first: 1, unit: "/s", least: 1, title: "Requests and errors per second" },
  { id: "plot-latency", names: ["p50", "p95", "p99"], first: 4, unit: " ms", least: 1, title: "Latency of handlers in milliseconds" },
];

function written(value, unit) {
  if (value === null || value === undefined) return "–";
  const digits = value === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = value.toFixed(digits) + unit;
  return unit === " ms" && value >= LONGEST ? `> ${text}` : text;
}

const tick = (value) => String(Number(value.toPrecision(6)));

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/// One plot. `pointed(t)` is called with the time under the cursor, null where it left.
function makePlot({ id, names, first, unit, least, title }, pointed) {
  const figure = document.getElementById(id);
  const place = figure.querySelector(".plot");
  const when = figure.querySelector(".when");
  const values = [...figure.querySelectorAll("li b")];
  const cursor = figure.appendChild(document.createElement("div"));
  cursor.className = "cursor";
  cursor.hidden = true;
  let graph = null;
  let rows = [];
  let shown = 0; // the row whose values are told
  let told = null; // the time that was pointed at

  function colours() {
    const series = {};
    names.forEach((name, i) => {
      series[name] = { color: colour(`--plot-${LETTERS[i]}`), ...STROKES[i] };
    });
    return { series, gridLineColor: colour("--plot-grid"), axisLineColor: colour("--plot-axis") };
  }

  function options() {
    const last = rows.at(-1)[0];
    const highest = Math.max(least, ...rows.flatMap((row) => row.slice(first, first + 3)));
    const file = rows.map((row) => [new Date(row[0] * 1000), ...row.slice(first, first + 3)]);
    return { file, dateWindow: [(last - WINDOW) * 1000, last * 1000], valueRange: [0, highest * 1.08] };
  }

  function draw(next) {
    rows = next;
    if (rows.length === 0) return;
    if (graph !== null) {
      graph.updateOptions(options());
      return;
    }
    const { file, ...ranges } = options();
    graph = new Dygraph(place, file, {
      ...ranges, ...colours(), labels: ["time", ...names], labelsUTC: true, fillAlpha: 0.12, gridLineWidth: 1, axisLineWidth: 1,
      axisLabelFontSize: 11, highlightCircleSize: 3, rightGap: 8, interactionModel: {}, resizable: "passive",
      axes: { x: { pixelsPerLabel: 64, drawGrid: false, axisLabelWidth: 56 }, y: { axisLabelWidth: 34, axisLabelFormatter: tick, pixelsPerLabel: 28 } },
      highlightCallback: (event, x) => pointed(x / 1000),
      unhighlightCallback: () => pointed(null),
    });
  }

  /// Marks the sample next to `t`, or tells the latest one where `t` is null.
  function point(t) {
    if (rows.length === 0) return;
    let at = rows.length - 1;
    if (t !== null) at = rows.reduce((best, row, i) => (Math.abs(row[0] - t) < Math.abs(rows[best][0] - t) ? i : best), 0);
    const row = rows[at];
    const texts = names.map((name, i) => written(row[first + i], unit));
    texts.forEach((text, i) => setText(values[i], text));
    const time = `${TIME.format(row[0] * 1000)} UTC`;
    setText(when, t === null ? "" : time);
    cursor.hidden = t === null;
    if (t === null) {
      graph.clearSelection();
    } else {
      graph.setSelection(at);
      cursor.style.left = `${place.offsetLeft + graph.toDomXCoord(row[0] * 1000)}px`;
    }
    shown = at;
    // A screen reader says what changes of the slider that it is on: not each second, then.
    const quiet = t === null && told === null && document.activeElement === place;
    told = t;
    if (quiet) return;
    place.ariaValueMin = Math.round(rows[0][0]);
    place.ariaValueMax = Math.round(rows.at(-1)[0]);
    place.ariaValueNow = Math.round(row[0]);
    place.ariaValueText = `${time}: ${names.map((name, i) => `${name} ${texts[i]}`).join(", ")}`;
  }

  // A plot that is read with the keyboard is a slider along time.
  place.tabIndex = 0;
  place.role = "slider";
  place.ariaLabel = `${title}, the last five minutes`;
  place.addEventListener("keydown", (event) => {
    if (rows.length === 0) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    if (event.key === "Escape") {
      pointed(null);
    } else if (event.key in steps && !event.altKey && !event.ctrlKey && !event.metaKey) {
      const at = shown + steps[event.key];
      pointed(rows[Math.min(Math.max(at, 0), rows.length - 1)][0]);
      event.preventDefault();
    }
  });
  place.addEventListener("blur", () => pointed(null));

  return { draw, point, recolour: () => graph?.updateOptions(colours()) };
}

/// Returns {add(samples), draw()}: samples cost nothing until they are drawn.
export function makePlots() {
  const samples = makeSamples(6);
  let cursor = null;

  // One cursor for both: what happened to the latency when the errors came?
  function pointed(t) {
    if (t === cursor) return;
    cursor = t;
    for (const plot of plots) plot.point(t);
  }

  const plots = PLOTS.map((plot) => makePlot(plot, pointed));

  function draw() {
    const rows = samples.rows();
    for (const plot of plots) {
      plot.draw(rows);
      plot.point(cursor);
    }
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const plot of plots) plot.recolour();
  });
  return { add: samples.add, draw };
}
