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
  let retry = 0;
  let rest = 0;
  let heard = 0;
  let why = "";

  function away(because = why) {
    why = because;
    on.connection("away", why ? `reconnecting… ${why}` : "reconnecting…");
  }

  function close() {
    clearTimeout(retry);
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
        why = "";
        on.connection("live", "live");
        on[name](JSON.parse(event.data));
      });
    }
    mine.addEventListener("error", () => {
      away();
      // After a broken connection the browser tries again by itself; after a refusal it does not.
      if (mine.readyState === EventSource.CLOSED) again();
    });
  }

  async function again() {
    close();
    if (document.hidden) return; // opened when the page is seen again
    pause = Math.min(pause === 0 ? 1000 : pause * 2, LONGEST_PAUSE);
    retry = setTimeout(open, pause);
    const found = await reason();
    if (source === null && found) away(found);
  }

  // A peer that vanishes without a word leaves a connection that looks like a quiet one.
  setInterval(() => {
    if (source === null || document.hidden || Date.now() - heard < SILENCE) return;
    away("nothing comes from the server");
    again();
  }, 1000);

  document.addEventListener("visibilitychange", () => {
    clearTimeout(rest);
    if (!document.hidden) {
      // After a night's sleep the stream looks alive, and what the page shows is not.
      if (source === null || Date.now() - heard >= SILENCE) {
        on.connection("waiting", "connecting…");
        open();
      }
      return;
    }
    clearTimeout(retry);
    rest = setTimeout(() => {
      close();
      on.connection("waiting", "paused while out of sight");
    }, HIDDEN);
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  open();
}
