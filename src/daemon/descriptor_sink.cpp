// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/descriptor_sink.h"

#include <climits>
#include <fmt/format.h>
#include <poll.h>
#include <string>
#include <unistd.h>

namespace httpd::daemon {

void DescriptorSink::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t formatted;
  formatter_->format(message, formatted);
  std::string line(formatted.data(), formatted.size());
  if (line.size() > PIPE_BUF) {
    line.resize(PIPE_BUF - 4);
    line += "...\n";
  }
  if (lost_ > 0 && write(fmt::format("{} log lines were lost: nobody took them in time\n", lost_))) lost_ = 0;
  if (lost_ > 0 || !write(line)) ++lost_;
}

bool DescriptorSink::write(std::string_view line) const noexcept {
  // A pipe is writable when it has room for PIPE_BUF bytes (pipe(7)), so the write does not block.
  pollfd waiting{fd_, POLLOUT, 0};
  if (::poll(&waiting, 1, 0) != 1 || (waiting.revents & POLLOUT) == 0) return false;
  return ::write(fd_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

}  // namespace httpd::daemon
