// The access log by way of syslog: a datagram a line to the local socket, as syslog(3) sends them (RFC 3164).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "process/access_log/log_sink.h"

namespace httpd::process {

/// syslog(3) itself says nothing about lines that it could not send, and these are to be counted.
class SyslogSink final : public LogSink {
 public:
  static constexpr char kSocket[] = "/dev/log";
  static constexpr std::size_t kLongest = 8 * 1024;  // bytes of a line; what is longer is cut

  /// `facility` as in openlog(3). Nothing is opened before the first line.
  explicit SyslogSink(int facility, std::string path = kSocket);
  Result write(std::string_view lines) noexcept override;
  [[nodiscard]] int descriptor() const noexcept override { return socket_.get(); }
  int reopen() noexcept override { return 0; }
  [[nodiscard]] std::string name() const override { return "syslog at " + path_; }

 private:
  [[nodiscard]] int connect() noexcept;
  [[nodiscard]] int send(std::string_view line);

  const int priority_;
  const std::string path_;
  net::UniqueFd socket_;
};

}  // namespace httpd::process
