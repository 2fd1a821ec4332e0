-- Loads for the modules of OpenSIPS: what is asked for comes behind "--". SPDX-License-Identifier: GPL-2.0-or-later
--   uptime  the MI command by JSON-RPC         scrape  a GET as a client sends it that keeps its connections
--   close   a GET that asks to have the connection closed
-- wrk's own report rounds the bytes, which tell whether every reply was whole.
function init(arguments)
   local kind = arguments[1]
   if kind == "uptime" then
      wrk.method = "POST"
      wrk.body = '{"jsonrpc":"2.0","method":"uptime","id":1}'
      wrk.headers["Content-Type"] = "application/json"
   elseif kind == "close" then
      wrk.headers["Connection"] = "close"
   else
      assert(kind == "scrape", kind)
   end
end

function done(summary)
   local errors = summary.errors
   print(string.format('{"requests": %d, "microseconds": %d, "bytes": %d, "errors": %d}', summary.requests,
                       summary.duration, summary.bytes,
                       errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
