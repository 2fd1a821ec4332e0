// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/access_log/syslog_sink.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

namespace httpd::process {
namespace {

constexpr std::size_t kLinesInARow = 64;

/// What a connected datagram socket says when whom it led to has ended.
bool is_gone(int error) noexcept {
  return error == ECONNREFUSED || error == ENOTCONN || error == ECONNRESET || error == EPIPE;
}

/// "Nov 27 01:41:25", in English whatever the locale is.
std::string time_text() {
  static constexpr const char* kMonths[]{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm fields{};
  ::localtime_r(&now, &fields);
  return fmt::format("{} {:2} {:02}:{:02}:{:02}", kMonths[fields.tm_mon], fields.tm_mday, fields.tm_hour,
                     fields.tm_min, fields.tm_sec);
}

}  // namespace

SyslogSink::SyslogSink(int facility, std::string path)
    : priority_(facility | LOG_INFO), path_(std::move(path)) {}

int SyslogSink::connect() noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::copy(path_.begin(), path_.end(), address.sun_path);
  net::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return errno;
  socket_ = std::move(socket);
  return 0;
}

/// 0, or errno.
int SyslogSink::send(std::string_view line) {
  const bool cut = line.size() > kLongest;
  const std::string message = fmt::format("<{}>{} httpd[{}]: {}{}", priority_, time_text(), ::getpid(),
                                          line.substr(0, kLongest), cut ? "..." : "");
  return ::send(socket_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

LogSink::Result SyslogSink::write(std::string_view lines) noexcept {
  std::size_t taken = 0;
  for (std::size_t count = 0; count < kLinesInARow && taken < lines.size(); ++count) {
    const std::string_view rest = lines.substr(taken);
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    int error = 0;
    try {
      error = socket_ ? 0 : connect();
      if (error == 0) error = send(rest.substr(0, end));
      // Once more where syslog was started again.
      if (is_gone(error)) {
        socket_.reset();
        error = connect();
        if (error == 0) error = send(rest.substr(0, end));
      }
    } catch (const std::exception&) {
      error = ENOMEM;
    }
    if (error == 0) {
      taken += end + 1;
      continue;
    }
    if (taken > 0) break;  // what is wrong, the next call finds out again
    if (error == EAGAIN || error == ENOBUFS) return {Result::State::kBlocked};
    if (!socket_ || is_gone(error)) {
      socket_.reset();
      return {Result::State::kAbsent, 0, error};
    }
    return {Result::State::kLost, end + 1, error};
  }
  return {Result::State::kDone, taken};
}

}  // namespace httpd::process
