// A pair of sockets as the access log has them, for the tests. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <sys/socket.h>
#include <vector>

#include "net/unique_fd.h"

namespace httpd::server {

struct LogPair {
  LogPair() {
    int pair[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    sending = net::UniqueFd(pair[0]);
    receiving = net::UniqueFd(pair[1]);
  }
  /// The messages that have come.
  [[nodiscard]] std::vector<std::string> messages() const {
    std::vector<std::string> result;
    std::string buffer(100'000, '\0');
    for (ssize_t size = 0; (size = ::recv(receiving.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;)
      result.push_back(buffer.substr(0, static_cast<std::size_t>(size)));
    return result;
  }
  [[nodiscard]] std::string text() const {
    std::string result;
    for (const std::string& message : messages())
      result += message;
    return result;
  }
  net::UniqueFd sending;
  net::UniqueFd receiving;
};

}  // namespace httpd::server
