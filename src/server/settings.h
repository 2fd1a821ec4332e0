// The settings of a server; each member is the httpd parameter of the same name (docs/ADMIN.md).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "http/limits.h"
#include "server/access.h"
#include "server/listen_address.h"
#include "server/tls_settings.h"

namespace httpd::server {

struct Settings {
  std::string ip = "*";                   ///< an address literal, or "*" for every interface
  std::uint16_t port = 8888;              ///< TCP port
  bool address_given = false;             ///< a line of the configuration sets `ip` or `port`
  std::vector<ListenAddress> listen;      ///< more listeners; with no address given they are all there are
  std::size_t buf_size = 0;               ///< bytes that a C-API handler may print; 0: see capi::PrintBuffer
  std::chrono::seconds conn_timeout{30};  ///< how long a connection may be idle between requests; 0: for ever
  std::chrono::seconds header_timeout{30};   ///< from the first byte of a request to the end of its head
  std::chrono::seconds body_timeout{30};     ///< between two arrivals of body bytes
  std::chrono::seconds send_timeout{30};     ///< between two moments when the client takes reply bytes
  std::chrono::seconds handler_timeout{60};  ///< how long a handler may keep a Reply; 0: for ever
  std::chrono::seconds tls_handshake_timeout{
      10};                           ///< from the first byte of a connection to its first request
  std::size_t workers = 0;           ///< handler processes; 0: handlers run in the HTTPD process
  std::size_t max_queue = 1024;      ///< requests that wait for a handler process
  std::size_t max_root_workers = 0;  ///< handler processes that one root may have at a time; 0: all but one
  TlsSettings tls;
  AccessSettings access;
  http::Limits limits;
};

}  // namespace httpd::server
