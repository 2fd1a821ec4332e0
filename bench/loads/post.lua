-- POST of 100 bytes of JSON. SPDX-License-Identifier: GPL-2.0-or-later
wrk.method = "POST"
wrk.body = '{"jsonrpc":"2.0","method":"bench","params":["' .. string.rep("p", 35) .. '"],"id":12345678901}'
wrk.headers["Content-Type"] = "application/json"
assert(#wrk.body == 100, #wrk.body)
