// Calls of MI commands: JSON-RPC to mi_http's root, and in words what went wrong.
// SPDX-License-Identifier: GPL-2.0-or-later
import { member, read } from "./json.js";

/// What a reader is told: a sentence that says what to do, and the `data` that came with the error, if any, as json.js
/// reads it.
export class Failure extends Error {
  constructor(sentence, data) {
    super(sentence);
    this.data = data;
  }
}

// What the server answers to a page that is not its own.
const FOREIGN = "Pages of this origin have no access";

let lastId = 0;

function later(reply) {
  const seconds = reply.headers.get("Retry-After");
  return seconds ? `Try again in ${seconds} s` : "Try again a little later";
}

function noAccess(said) {
  // The origin that the server compares is that of the Host that it is told.
  if (said.includes(FOREIGN)) return `The server takes this page for one of another site (403). A proxy in between changes Host: have it pass on the one it gets, or name ${location.origin} in cors_origins of the parameter access of httpd.`;
  return "This client has no access to MI (403). The parameter access of httpd says who has.";
}

function httpFailure(reply, url, said) {
  switch (reply.status) {
    case 401: return "The server asks for credentials (401). Run the command again, and enter them where the browser asks.";
    case 403: return noAccess(said);
    case 404: return `Nothing is served at ${url} (404). See whether mi_http is still loaded, and load this page again.`;
    case 413: return "The command is too long (413). The parameter receive_buf_size of httpd is the limit.";
    case 415: return "The server did not take the command for JSON (415). See what a proxy in between does to Content-Type.";
    case 429: return `Too many requests came from this client (429). ${later(reply)}.`;
    case 503: return `The server has no place for the command, or is shutting down (503). ${later(reply)}; the table of handler processes shows what they are busy with.`;
    case 504: return "The command took longer than handler_timeout (504). It may still be running.";
    default: return `The server answered with the status ${reply.status}. Its log says more.`;
  }
}

function rpcFailure(error, method) {
  const said = `${error.message} (${error.code})`;
  switch (error.code) {
    case -32601: return `There is no command ${method}: ${said}. The command which lists those that there are.`;
    case -32602: return `These are not the parameters of ${method}: ${said}. Its help, and which ${method}, tell them.`;
    case -32603: return `${method} failed unexpectedly: ${said}. The server's log says why.`;
    default: return `${method} failed: ${said}.`;
  }
}

/// The result of a command: `result` of JSON.parse(), and `shown` as json.js reads it. Throws a Failure, or an AbortError once `signal` is aborted.
export async function call(url, request, signal) {
  let reply;
  let text;
  try {
    reply = await fetch(url, {
      method: "POST", credentials: "same-origin", cache: "no-store", signal,
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: ++lastId, ...request }),
    });
    text = await reply.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The server cannot be reached, or has closed the connection. The state at the top of the page says when it is back; whether the command ran is not known.");
  }
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Failure(reply.ok ? "What came is no JSON. See whether something else answers in the place of mi_http." : httpFailure(reply, url, text));
  }
  if (answer?.jsonrpc === "2.0" && answer.error) throw new Failure(rpcFailure(answer.error, request.method), answer.error.data === undefined ? undefined : member(member(read(text), "error"), "data"));
  if (!reply.ok) throw new Failure(httpFailure(reply, url, text));
  if (answer?.jsonrpc !== "2.0" || !("result" in answer)) throw new Failure("What came is no reply of JSON-RPC 2.0. See whether something else answers in the place of mi_http.", read(text));
  return { result: answer.result, shown: member(read(text), "result") };
}
