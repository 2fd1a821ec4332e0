// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/refusal_history.h"

#include <algorithm>

namespace httpd::server {

void RefusalHistory::note(http::Refusal refusal, const net::Address& client,
                          std::string_view request) noexcept {
  Entry& entry = ring_[noted_++ % ring_.size()];
  entry.time = std::chrono::system_clock::now();
  entry.refusal = refusal;
  entry.client = client;
  entry.request.assign(request);
}

std::vector<RefusalHistory::Entry> RefusalHistory::entries() const {
  std::vector<Entry> entries;
  const std::size_t count = std::min(noted_, ring_.size());
  entries.reserve(count);
  for (std::size_t age = 1; age <= count; ++age)
    entries.push_back(ring_[(noted_ - age) % ring_.size()]);
  return entries;
}

}  // namespace httpd::server
