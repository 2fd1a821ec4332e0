// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/access_log/log_writer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/access_log/line_buffer.h"

namespace httpd::process {
namespace {
constexpr std::chrono::milliseconds kRetry{500};
}

LogWriter::LogWriter(LogChannel& channel, LogSink& sink, server::Statistics& statistics, Log& log)
    : channel_(channel),
      sink_(sink),
      statistics_(statistics),
      log_(log),
      batch_(server::LineBuffer::kMessage, '\0') {}

void LogWriter::run() {
  while (true) {
    if (Clock::now() >= give_up_at_) return give_up();
    if (done_ == size_) {
      if (!read()) return;
    } else {
      write();
    }
  }
}

/// False at the end.
bool LogWriter::read() {
  reopen_if_asked();  // here, too, since under load it never waits
  const ssize_t count = ::recv(channel_.receiving(), batch_.data(), batch_.size(), MSG_DONTWAIT);
  if (count > 0) {
    size_ = static_cast<std::size_t>(count);
    done_ = 0;
    return true;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    wait(Wait::kForLines);
    return true;
  }
  return false;
}

void LogWriter::write() {
  const LogSink::Result result = sink_.write(rest());
  switch (result.state) {
    case LogSink::Result::State::kDone:
      done_ += result.bytes;
      if (hung_up_) give_up_at_ = Clock::now() + kLastPatience;
      if (noted_ != 0) note_success();
      break;
    case LogSink::Result::State::kBlocked:
      wait(Wait::kForSink);
      break;
    case LogSink::Result::State::kAbsent:
      // The line at hand as a whole for whoever comes.
      done_ = std::string_view(batch_).substr(0, done_).rfind('\n') + 1;
      note(result.error, "cannot be written to for now; lines wait, and are dropped when they are too many");
      wait(Wait::kForRetry);
      break;
    case LogSink::Result::State::kLost:
      lose(result.bytes, result.error);
      break;
  }
}

void LogWriter::wait(Wait what) {
  // Level-triggered: once nobody sends any more it would be reported at once, and for ever.
  std::array<pollfd, 3> waiting{pollfd{channel_.reopening(), POLLIN, 0},
                                pollfd{hung_up_ && what != Wait::kForLines ? -1 : channel_.receiving(),
                                       static_cast<short>(what == Wait::kForLines ? POLLIN : 0), 0},
                                pollfd{what == Wait::kForSink ? sink_.descriptor() : -1, POLLOUT, 0}};
  std::chrono::milliseconds timeout{-1};
  if (what == Wait::kForRetry || (what == Wait::kForSink && sink_.descriptor() < 0)) timeout = kRetry;
  if (hung_up_) {
    const auto left = std::max(std::chrono::milliseconds{0},
                               std::chrono::ceil<std::chrono::milliseconds>(give_up_at_ - Clock::now()));
    timeout = timeout.count() < 0 ? left : std::min(left, timeout);
  }
  if (::poll(waiting.data(), waiting.size(), static_cast<int>(timeout.count())) <= 0) return;
  if ((waiting[0].revents & POLLIN) != 0) reopen_if_asked();
  if (what != Wait::kForLines && (waiting[1].revents & (POLLHUP | POLLERR)) != 0) {
    hung_up_ = true;
    give_up_at_ = Clock::now() + kLastPatience;
  }
}

void LogWriter::reopen_if_asked() {
  std::uint64_t count = 0;
  if (::read(channel_.reopening(), &count, sizeof count) != sizeof count) return;
  if (const int error = sink_.reopen(); error != 0) {
    log_.write(LogLevel::kError, fmt::format("access log: {} cannot be opened again, the old one goes on: {}",
                                             sink_.name(), std::strerror(error)));
    return;
  }
  log_.write(LogLevel::kInfo, fmt::format("access log: {} opened again", sink_.name()));
}

/// The next `bytes` are lost.
void LogWriter::lose(std::size_t bytes, int error) {
  const std::string_view lines = rest().substr(0, bytes);
  const auto count = static_cast<std::uint64_t>(std::ranges::count(lines, '\n'));
  done_ += lines.size();
  lost_ += count;
  statistics_.add(server::Statistics::kAccessLogLost, count);
  note(error, "does not take lines, which are lost and counted");
}

void LogWriter::note(int error, const char* what) {
  if (error == noted_) return;
  noted_ = error;
  log_.write(LogLevel::kError, fmt::format("access log: {} {}: {}", sink_.name(), what,
                                           error == ENXIO ? "nobody reads it" : std::strerror(error)));
}

void LogWriter::note_success() {
  noted_ = 0;
  log_.write(LogLevel::kNotice, fmt::format("access log: {} is written again; lines lost meanwhile: {}",
                                            sink_.name(), std::exchange(lost_, 0)));
}

/// The process is to end, and the sink takes nothing.
void LogWriter::give_up() {
  do {
    lose(rest().size(), ETIMEDOUT);
    const ssize_t count = ::recv(channel_.receiving(), batch_.data(), batch_.size(), MSG_DONTWAIT);
    size_ = count > 0 ? static_cast<std::size_t>(count) : 0;
    done_ = 0;
  } while (size_ > 0);
}

}  // namespace httpd::process
