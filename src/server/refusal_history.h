// The last refusals, for people who look. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <vector>

#include <httpd/monitor.h>

#include "http/refusal.h"
#include "net/address.h"
#include "server/fixed_text.h"

namespace httpd::server {

/// Keeps Monitor::kRefusals of them. Strangers cause them as often as they like, so noting one takes no
/// memory and makes no text.
class RefusalHistory {
 public:
  /// `request`: the request line as far as it came.
  void note(http::Refusal refusal, const net::Address& client, std::string_view request) noexcept;
  /// The newest first. Throws std::bad_alloc.
  struct Entry {
    std::chrono::system_clock::time_point time;
    http::Refusal refusal;
    net::Address client;
    FixedText<160> request;
  };
  [[nodiscard]] std::vector<Entry> entries() const;

 private:
  std::array<Entry, Monitor::kRefusals> ring_{};
  std::size_t noted_ = 0;  // since the start
};

}  // namespace httpd::server
