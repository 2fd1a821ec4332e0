// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access_log/line_buffer.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <new>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace httpd::server {
namespace {

constexpr std::size_t kKept = 128 * 1024;  // bytes of memory that an empty buffer keeps
constexpr net::Duration kRetry = net::TimerWheel::kTick;
constexpr std::chrono::seconds kTellInterval{1};
constexpr std::chrono::seconds kLastPatience{1};

}  // namespace

LineBuffer::LineBuffer(net::EventLoop& loop, int descriptor, Statistics& statistics, Log& log) noexcept
    : loop_(loop), descriptor_(descriptor), statistics_(statistics), log_(log) {}

LineBuffer::~LineBuffer() {
  finish();
  stop_watching();
}

void LineBuffer::watch() noexcept {
  // Edge-triggered, since the end of the other side would be told again and again.
  if (!watched_) watched_ = loop_.try_add(descriptor_, EPOLLOUT | EPOLLET, *this) == 0;
}

void LineBuffer::stop_watching() noexcept {
  if (std::exchange(watched_, false)) loop_.remove(descriptor_, *this);
}

void LineBuffer::on_events(std::uint32_t /*events*/) {
  stop_watching();
  send_all();
}

void LineBuffer::add(std::string_view line) noexcept {
  if (lines_.size() - sent_ + line.size() > kBound || line.size() > kMessage) return drop(1);
  try {
    // What is sent already makes room first, where the whole would outgrow its bound.
    if (lines_.size() + line.size() > kBound) {
      lines_.erase(0, sent_);
      sent_ = 0;
    }
    lines_ += line;
  } catch (const std::bad_alloc&) {
    return drop(1);
  }
  if (lines_.size() - sent_ >= kBatch && !blocked_) send_all();
  if (lines_.empty() || armed_) return;
  armed_ = true;
  loop_.arm(*this, blocked_ ? kRetry : kPatience);
}

void LineBuffer::on_timer() {
  armed_ = false;
  send_all();
  if (untold_ > 0) tell_of_drops();
  if (lines_.empty() && untold_ == 0) return;
  armed_ = true;
  loop_.arm(*this, kRetry);
}

void LineBuffer::send_all() noexcept {
  blocked_ = false;
  while (sent_ < lines_.size()) {
    std::string_view message = std::string_view(lines_).substr(sent_, kMessage);
    message = message.substr(0, message.rfind('\n') + 1);
    const ssize_t count = ::send(descriptor_, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      // Full, most likely. A socket whose other end is gone leads nowhere any more: the bound holds there,
      // too.
      blocked_ = true;
      watch();
      return;
    }
    sent_ += message.size();
  }
  sent_ = 0;
  if (lines_.capacity() > kKept) {
    std::string().swap(lines_);  // assigning it would keep the memory
  } else {
    lines_.clear();
  }
}

void LineBuffer::drop(std::size_t lines) noexcept {
  statistics_.add(Statistics::kAccessLogDrops, lines);
  untold_ += lines;
  tell_of_drops();
}

void LineBuffer::tell_of_drops() noexcept {
  const net::TimePoint now = loop_.now();
  if (now - told_ < kTellInterval) return;
  told_ = now;
  try {
    log_.write(LogLevel::kWarning,
               fmt::format("access log: {} lines dropped: the process that writes it does not keep up, since "
                           "its file, pipe or socket does not take them; requests go on",
                           untold_));
    untold_ = 0;
  } catch (const std::exception&) {
    // The number is told with the next ones.
  }
}

void LineBuffer::finish() noexcept {
  cancel();
  armed_ = false;
  const auto end = std::chrono::steady_clock::now() + kLastPatience;
  for (send_all(); !lines_.empty(); send_all()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd socket{descriptor_, POLLOUT, 0};
    if (left.count() <= 0 || ::poll(&socket, 1, static_cast<int>(left.count())) <= 0 ||
        (socket.revents & (POLLERR | POLLHUP)) != 0)
      break;
  }
  const std::string_view rest = std::string_view(lines_).substr(sent_);
  const auto lost = static_cast<std::size_t>(std::ranges::count(rest, '\n'));
  lines_.clear();
  sent_ = 0;
  loop_.refresh_time();
  if (lost > 0) {
    told_ = {};
    drop(lost);
  }
}

}  // namespace httpd::server
