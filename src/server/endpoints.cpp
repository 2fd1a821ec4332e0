// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/endpoints.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <system_error>
#include <utility>

#include "http/escape.h"
#include "net/unix_socket.h"

namespace httpd::server {
namespace {

using net::UnixSocketError;

constexpr int kFirstUnprivilegedPort = 1024;

/// The address of a TCP listener, for comparing.
std::optional<net::Address> address_of(const ListenAddress& listener) {
  return listener.ip == "*" ? net::Address::any_v6(listener.port)
                            : net::Address::parse(listener.ip, listener.port);
}

bool same_address(const ListenAddress& one, const ListenAddress& other) {
  if (one.is_unix() != other.is_unix()) return false;
  if (one.is_unix())
    return std::filesystem::path(one.path).lexically_normal() ==
           std::filesystem::path(other.path).lexically_normal();
  return address_of(one) == address_of(other);
}

bool is_bound_to(const net::ListenSocket& socket, const ListenAddress& listener) {
  if (listener.is_unix()) return socket.is_unix() && socket.text() == listener.path;
  if (listener.ip == "*" && socket.is_all_ipv4()) return socket.address().port() == listener.port;
  if (listener.ip == "*" && !socket.is_dual_stack()) return false;
  return address_of(listener) == socket.address();
}

std::string_view scheme(bool tls) {
  return tls ? "https://" : "http://";
}

/// The id behind a name, by `find`; nothing for "".
template <class Id>
std::optional<Id> find_id(const ListenAddress& listener, std::string_view kind, const std::string& name,
                          std::optional<Id> (*find)(const std::string&)) {
  if (name.empty()) return std::nullopt;
  const std::optional<Id> id = find(name);
  if (!id)
    throw ConfigError(fmt::format("cannot listen on {}: there is no {} \"{}\"; correct it in the listen line",
                                  listener.text(), kind, http::escape_for_log(name)));
  return id;
}

net::UnixSocketPlace place_of(const ListenAddress& listener) {
  return {listener.path, listener.mode, find_id(listener, "user", listener.user, net::find_user),
          find_id(listener, "group", listener.group, net::find_group)};
}

std::string unix_advice(const UnixSocketError& error, const ListenAddress& listener) {
  const std::string folder = std::filesystem::path(listener.path).parent_path().string();
  const char* const cause = std::strerror(error.code().value());
  switch (error.reason()) {
    case UnixSocketError::Reason::kFolder:
      return fmt::format(
          "its folder {} cannot be used: {}; make it, and let the user who starts the server read and "
          "write it (RuntimeDirectory= in a unit of systemd)",
          folder, cause);
    case UnixSocketError::Reason::kLocked:
      return fmt::format("another process has kept the folder {} locked for seconds; find it with: fuser {}",
                         folder, folder);
    case UnixSocketError::Reason::kNoSocket:
      return fmt::format(
          "a file that is no socket stands there or at {}{}; remove it, or choose another path",
          listener.path, net::kUnixDraftSuffix);
    case UnixSocketError::Reason::kInUse:
      return "another program, or another listen line of this file, answers there (ss -lxp shows which); "
             "end that one, or choose another path";
    case UnixSocketError::Reason::kUnclear:
      return fmt::format(
          "it cannot be found out whether another program answers there: {}; remove the file "
          "if none does",
          cause);
    case UnixSocketError::Reason::kOwner:
      return fmt::format(
          "the socket cannot be given to its user or group: {}; only root gives files to another user, and "
          "others only to groups that they are in: start the server as root, or leave user= and group= out",
          cause);
    case UnixSocketError::Reason::kFile:
      break;
  }
  return fmt::format("the socket cannot be made: {}", cause);
}

/// What to tell of a TCP address that cannot be had.
std::string tcp_advice(int error, const ListenAddress& listener, std::string_view program) {
  std::string text = std::strerror(error);
  if (error == EACCES && listener.port < kFirstUnprivilegedPort)
    text += fmt::format(
        "; ports below {} need a privilege: choose another port, start the server as root (option -u lets it "
        "drop its privileges then), or run as root: setcap 'cap_net_bind_service=+ep' {}",
        kFirstUnprivilegedPort, program);
  if (error == EADDRINUSE)
    text += "; another program has it (ss -ltnp shows which), or another listen line of this file";
  if (error == EADDRNOTAVAIL)
    text += "; no interface of this machine has it (ip address shows what they have)";
  return text;
}

/// Calls `get` for the socket of `listener`, and gives its errors their words. Returns an empty optional when
/// the address is in use and `or_in_use` is set.
template <class Get>
auto with_advice(const ListenAddress& listener, std::string_view program, bool or_in_use, Get get)
    -> std::optional<decltype(get())> {
  const auto fail = [&listener](const std::string& why) {
    throw ConfigError(fmt::format("cannot listen on {}: {}", listener.text(), why));
  };
  try {
    return get();
  } catch (const UnixSocketError& error) {
    if (!or_in_use || error.reason() != UnixSocketError::Reason::kInUse) fail(unix_advice(error, listener));
  } catch (const std::system_error& error) {
    const int code = error.code().value();
    if (!or_in_use || code != EADDRINUSE) fail(tcp_advice(code, listener, program));
  }
  return std::nullopt;
}

net::ListenSocket bind(const ListenAddress& listener) {
  if (listener.is_unix()) return net::ListenSocket::bind_unix(place_of(listener));
  net::ListenSocket socket = net::ListenSocket::bind(listener.ip, listener.port);
  socket.listen();
  return socket;
}

/// The listener that an inherited socket belongs to; none for one that a daemon before this one had, and this
/// one's configuration has not.
std::optional<std::size_t> owner_of(const InheritedSocket& inherited,
                                    const std::vector<ListenAddress>& listeners) {
  const bool from_systemd = inherited.maker == InheritedSocket::Maker::kSystemd;
  auto found = std::ranges::find_if(listeners, [&](const ListenAddress& listener) {
    return from_systemd && !listener.name.empty() && listener.name == inherited.name;
  });
  if (found == listeners.end())
    found = std::ranges::find_if(listeners, [&inherited](const ListenAddress& listener) {
      return is_bound_to(inherited.socket, listener);
    });
  if (found == listeners.end() && !from_systemd) return std::nullopt;
  if (found == listeners.end()) {
    const std::string where = (inherited.socket.is_unix() ? "unix:" : "http://") + inherited.socket.text();
    throw ConfigError(fmt::format(
        "the inherited socket \"{}\" on {} belongs to no listener, and its clients would wait for ever: add "
        "the line modparam(\"httpd\", \"listen\", \"{}\"), or name the socket in the line that it is for: "
        "\"http://*:8888?name={}\"",
        http::escape_for_log(inherited.name), http::escape_for_log(where), http::escape_for_log(where),
        http::escape_for_log(inherited.name)));
  }
  return static_cast<std::size_t>(found - listeners.begin());
}

}  // namespace

std::string Endpoint::url() const {
  if (!socket.is_unix()) return std::string(scheme(tls)) + socket.text();
  return "unix:" + socket.text();
}

std::vector<ListenAddress> listeners_of(const Settings& settings) {
  const bool tls = settings.tls.configured();
  std::vector<ListenAddress> listeners;
  if (settings.listen.empty() || settings.address_given) {
    ListenAddress first;
    first.tls = tls;
    first.ip = settings.ip;
    first.port = settings.port;
    first.name = kDefaultListenerName;
    listeners.push_back(std::move(first));
  }
  listeners.insert(listeners.end(), settings.listen.begin(), settings.listen.end());
  for (auto one = listeners.begin(); one != listeners.end(); ++one) {
    if (one->proxy_protocol && settings.access.forwarding.trusted_proxies.empty())
      throw ConfigError(fmt::format(
          "{} has proxy_protocol=on, but nobody is trusted to use it: set trusted_proxies of module httpd",
          one->text()));
    if (one->tls && !tls)
      throw ConfigError(fmt::format(
          "{} needs a certificate: set the parameters tls_cert_file and tls_key_file of module httpd",
          one->text()));
    for (auto other = listeners.begin(); other != one; ++other) {
      if (same_address(*one, *other))
        throw ConfigError(
            fmt::format("{} and {} are the same address: remove one of the two (the "
                        "parameters ip and port make a listener of their own)",
                        other->text(), one->text()));
      if (!one->name.empty() && one->name == other->name)
        throw ConfigError(fmt::format("{} and {} have the same name \"{}\": give one of them another one",
                                      other->text(), one->text(), one->name));
    }
  }
  return listeners;
}

std::vector<Endpoint> open_endpoints(const std::vector<ListenAddress>& listeners,
                                     std::vector<InheritedSocket> inherited, std::string_view program) {
  std::vector<std::vector<InheritedSocket>> given(listeners.size());
  for (InheritedSocket& socket : inherited)
    if (const auto owner = owner_of(socket, listeners)) given[*owner].push_back(std::move(socket));
  std::vector<Endpoint> endpoints;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const ListenAddress& listener = listeners[i];
    for (InheritedSocket& socket : given[i]) {
      const bool from_systemd = socket.maker == InheritedSocket::Maker::kSystemd;
      endpoints.push_back({std::move(socket.socket), listener.tls, listener.proxy_protocol,
                           from_systemd ? std::move(socket.name) : std::string(),
                           socket.maker == InheritedSocket::Maker::kDaemonWithFile});
    }
    if (!given[i].empty()) continue;
    auto socket = with_advice(listener, program, false, [&listener] { return bind(listener); });
    endpoints.push_back({*std::move(socket), listener.tls, listener.proxy_protocol});
  }
  return endpoints;
}

void check_endpoints(const std::vector<ListenAddress>& listeners, std::string_view program) {
  for (const ListenAddress& listener : listeners) {
    if (listener.is_unix()) {
      const net::UnixSocketPlace place = place_of(listener);
      if (!listener.name.empty()) continue;
      with_advice(listener, program, true, [&place] {
        net::check_unix_place(place);
        return true;
      });
    } else if (listener.name.empty() || listener.name == kDefaultListenerName) {
      with_advice(listener, program, true,
                  [&listener] { return net::ListenSocket::bind(listener.ip, listener.port); });
    }
  }
}

}  // namespace httpd::server
