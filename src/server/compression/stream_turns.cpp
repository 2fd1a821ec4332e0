// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/compression/stream_turns.h"

namespace httpd::server {

void StreamTurns::await(Waiting& stream) noexcept {
  if (stream.linked()) return;
  waiting_.push_back(stream);
  loop_.post(*this);
}

void StreamTurns::run() {
  if (waiting_.empty()) return;
  waiting_.pop_front().on_turn();
  if (!waiting_.empty()) loop_.post(*this);
}

std::span<char> StreamTurns::scratch() {
  if (scratch_ == nullptr) scratch_ = std::make_unique<std::array<char, kScratchSize>>();
  return *scratch_;
}

void StreamTurns::count(std::size_t bytes_in, std::size_t bytes_out) noexcept {
  statistics_.add(Statistics::kCompressionBytesIn, bytes_in);
  statistics_.add(Statistics::kCompressionBytesOut, bytes_out);
  loop_.refresh_time();
}

}  // namespace httpd::server
