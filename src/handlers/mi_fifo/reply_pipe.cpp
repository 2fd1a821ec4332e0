// Opening and writing a reply FIFO, with time limits.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/reply_pipe.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

#include "handlers/mi_fifo/request_reader.h"

namespace httpd::mi_fifo {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kOpenPause{10};

std::string error_text(int error) {
  return std::system_category().message(error);
}

int milliseconds_until(Clock::time_point deadline) noexcept {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::max(left, milliseconds(0)).count());
}

/// What is wrong with an opened file as a reply FIFO; "" when nothing is.
std::string examine(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return error_text(errno);
  if (!S_ISFIFO(status.st_mode)) return "not a FIFO";
  if (status.st_nlink != 1) return "has " + std::to_string(status.st_nlink) + " hard links";
  return {};
}

}  // namespace

bool valid_reply_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kMaxReplyName &&
         std::none_of(name.begin(), name.end(), [](char byte) {
           return byte == '/' || byte == '.' || byte == '\\' || is_control(byte);
         });
}

std::string ReplyPipe::open(const std::string& directory, std::string_view name, milliseconds wait) {
  unread_ = false;
  if (!valid_reply_name(name)) return "forbidden name";
  const std::string path = directory + std::string(name);
  const Clock::time_point deadline = Clock::now() + wait;
  for (;;) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    if (file.is_open()) {
      std::string problem = examine(file.get());
      if (problem.empty()) pipe_ = std::move(file);
      return problem;
    }
    const int error = errno;
    if (error == EINTR) continue;
    // ENXIO: the client has made its FIFO and not opened it yet.
    if (error != ENXIO) return error_text(error);
    if (Clock::now() >= deadline) {
      unread_ = true;
      return "nobody reads it";
    }
    std::this_thread::sleep_for(kOpenPause);
  }
}

std::string ReplyPipe::write(std::string_view reply, milliseconds wait) {
  const Clock::time_point deadline = Clock::now() + wait;
  while (!reply.empty()) {
    const ssize_t written = ::write(pipe_.get(), reply.data(), reply.size());
    if (written >= 0) {
      reply.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EPIPE) return "the client left";
    if (errno != EAGAIN) return error_text(errno);
    pollfd room{pipe_.get(), POLLOUT, 0};
    const int ready = ::poll(&room, 1, milliseconds_until(deadline));
    if (ready == 0) return "the client does not read";
    if (ready < 0 && errno != EINTR) return error_text(errno);
  }
  return {};
}

}  // namespace httpd::mi_fifo
