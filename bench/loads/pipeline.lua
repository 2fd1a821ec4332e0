-- Sixteen requests at once. SPDX-License-Identifier: GPL-2.0-or-later
local batch

function init(args)
  local one = wrk.format("GET")
  batch = string.rep(one, 16)
end

function request()
  return batch
end
