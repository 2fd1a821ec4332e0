// Where log lines go: a descriptor that must never hold up the daemon.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <string_view>

namespace httpd::daemon {

/// Writes each line with one write(2) of at most PIPE_BUF bytes, so that the lines of several processes do
/// not mix. A line that would have to wait, because whoever reads the pipe stands still, is lost; the next
/// one that goes out says how many were.
class DescriptorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  /// `fd` stays the caller's.
  explicit DescriptorSink(int fd) noexcept : fd_(fd) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}
  [[nodiscard]] bool write(std::string_view line) const noexcept;

  int fd_;
  unsigned long lost_ = 0;
};

}  // namespace httpd::daemon
