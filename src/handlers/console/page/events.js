// The stream of events: it is opened, watched, and opened again until the page is closed.
// SPDX-License-Identifier: GPL-2.0-or-later

const LONGEST_PAUSE = 10_000; // milliseconds, as all below
const SILENCE = 6_000; // a sample comes each second: what is silent for so long is no longer there
const HIDDEN = 60_000; // nobody looks: the stream is left to others, and all that is kept comes again with the next one

/// What keeps the stream from opening, for the reader; "" when nothing seems to.
async function reason() {
  const abort = new AbortController();
  const limit = setTimeout(() => abort.abort(), SILENCE);
  try {
    const reply = await fetch("events", {
      headers: { Accept: "text/event-stream" }, cache: "no-store", credentials: "same-origin", signal: abort.signal,
    });
    switch (reply.status) {
      case 200: return "";
      case 401: return "credentials are needed: load the page again (401)";
      case 403: return "this client has no access (403)";
      case 404: return "the module console is no longer loaded (404)";
      case 429: return "too many requests (429)";
      case 503: return "the server is busy, or max_viewers pages are open (503)";
      default: return `the server answers ${reply.status}`;
    }
  } catch {
    return "the server cannot be reached";
  } finally {
    clearTimeout(limit);
    abort.abort();
  }
}

/// Calls on[event](data) for each event, and on.connection(state, text) with "waiting", "live" or "away".
export function listen(on) {
  let source = null;
  let pause = 0;
  let timer = 0;
  let heard = 0;

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function open() {
    close();
    heard = Date.now();
    const mine = new EventSource("events");
    source = mine;
    for (const name of ["hello", "samples", "state"]) {
      mine.addEventListener(name, (event) => {
        heard = Date.now();
        pause = 0;
        on.connection("live", "live");
        on[name](JSON.parse(event.data));
      });
    }
    mine.addEventListener("error", () => {
      on.connection("away", "reconnecting…");
      // After a broken connection the browser tries again by itself; after a refusal it does not.
      if (mine.readyState === EventSource.CLOSED) again();
    });
  }

  async function again() {
    close();
    pause = Math.min(pause === 0 ? 1000 : pause * 2, LONGEST_PAUSE);
    timer = setTimeout(open, pause);
    const why = await reason();
    if (source === null && !document.hidden && why) on.connection("away", `reconnecting… ${why}`);
  }

  // A peer that vanishes without a word leaves a connection that looks like a quiet one.
  setInterval(() => {
    if (source === null || document.hidden || Date.now() - heard < SILENCE) return;
    on.connection("away", "reconnecting… nothing has come for a while");
    open();
  }, 2000);

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        close();
        on.connection("waiting", "paused while out of sight");
      }, HIDDEN);
    } else {
      clearTimeout(timer);
      heard = Date.now();
      if (source === null) open();
    }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  open();
}
