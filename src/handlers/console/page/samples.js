// The samples of the last five minutes, in the order of their times.
// SPDX-License-Identifier: GPL-2.0-or-later

export const WINDOW = 300; // seconds
const GAP = 2.5; // seconds without a sample that are a gap, and no late sample

/// samples.add([[t, …], …]) merges by t; samples.rows() has a row of nulls in each gap.
export function makeSamples(columns) {
  let kept = [];

  function add(more) {
    if (more.length === 0) return;
    const newest = more.at(-1)[0];
    // The server's clock was set back, and not only corrected: what was kept would stand among what is yet to come. With
    // more than one sample comes all that the server has; before a single one is what came a second ago.
    if (kept.length > 0 && newest < kept.at(-1)[0] - GAP) {
      const step = newest - 1 - kept.at(-1)[0];
      kept = more.length > 1 ? [] : kept.map(([t, ...values]) => [t + step, ...values]);
    }
    const byTime = new Map([...kept, ...more].map((sample) => [sample[0], sample]));
    kept = [...byTime.values()].sort((a, b) => a[0] - b[0]);
    const oldest = kept.at(-1)[0] - WINDOW;
    kept = kept.filter((sample) => sample[0] >= oldest);
  }

  function rows() {
    const found = [];
    for (const sample of kept) {
      const before = found.at(-1)?.[0];
      if (sample[0] - before > GAP) found.push([before + 1, ...Array(columns).fill(null)]);
      found.push(sample);
    }
    return found;
  }

  return { add, rows };
}
