// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/inherited_sockets.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <system_error>
#include <systemd/sd-daemon.h>
#include <utility>

#include "daemon/predecessor.h"
#include "http/escape.h"

namespace httpd::daemon {
namespace {

struct NamesDeleter {
  void operator()(char** names) const noexcept {
    for (char** name = names; name != nullptr && *name != nullptr; ++name)
      std::free(*name);
    std::free(static_cast<void*>(names));
  }
};

std::string what_is_wrong(int error) {
  switch (error) {
    case ENOTSOCK:
      return "is no socket; use ListenStream= in the socket unit";
    case EPROTOTYPE:
      return "is no stream socket; use ListenStream= in the socket unit";
    case EAFNOSUPPORT:
      return "is neither a TCP nor a Unix socket; give ListenStream= an address or a path";
    case EINVAL:
      return "does not listen; leave Accept=yes out of the socket unit";
    default:
      return fmt::format("cannot be used: {}", std::strerror(error));
  }
}

}  // namespace

std::vector<server::InheritedSocket> take_inherited_sockets() {
  char** list = nullptr;
  const int count = ::sd_listen_fds_with_names(1, &list);
  const std::unique_ptr<char*, NamesDeleter> names(list);
  if (count < 0)
    throw ConfigError(fmt::format(
        "the environment announces inherited sockets (LISTEN_FDS, LISTEN_FDNAMES) that are not there: {}; "
        "unset these variables, or let systemd set them",
        std::strerror(-count)));
  std::vector<server::InheritedSocket> sockets;
  for (int i = 0; i < count; ++i) {
    const int descriptor = SD_LISTEN_FDS_START + i;
    net::UniqueFd fd(descriptor);
    const std::string name = list[i];
    try {
      using Maker = server::InheritedSocket::Maker;
      if (name == kUpgradeSocket || name == kUpgradeSocketWithFile) {
        sockets.push_back({net::ListenSocket::adopt_made(std::move(fd)), name,
                           name == kUpgradeSocket ? Maker::kDaemon : Maker::kDaemonWithFile});
      } else {
        sockets.push_back({net::ListenSocket::adopt(std::move(fd)), name, Maker::kSystemd});
      }
    } catch (const std::system_error& error) {
      throw ConfigError(fmt::format("the inherited descriptor {} (\"{}\") {}", descriptor,
                                    http::escape_for_log(name), what_is_wrong(error.code().value())));
    }
  }
  return sockets;
}

}  // namespace httpd::daemon
