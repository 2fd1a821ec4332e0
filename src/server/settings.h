// The settings of a server; each member is the httpd parameter of the same name (docs/ADMIN.md).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "http/limits.h"
#include "server/access/access_settings.h"
#include "server/access/peers.h"
#include "server/access_log/log_settings.h"
#include "server/compression/compression_settings.h"
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
  std::chrono::seconds header_timeout{30};  ///< from the first byte of a request to the end of its head
  std::chrono::seconds body_timeout{30};    ///< between two arrivals of body bytes
  std::chrono::seconds send_timeout{30};    ///< between two moments when the client takes reply bytes
  std::size_t min_body_rate = 100;          ///< bytes a second that a body has to come with, besides; 0: none
  std::size_t min_send_rate = 100;          ///< bytes a second that a client has to take, besides; 0: none
  std::chrono::seconds handler_timeout{60};  ///< how long a handler may keep a Reply; 0: for ever
  std::chrono::seconds tls_handshake_timeout{
      10};                          ///< from the first byte of a connection to its first request
  std::size_t max_connections = 0;  ///< open at a time; 0: 4096, or what the limit of open files allows
  std::size_t max_client_connections = 0;         ///< from one address; 0: three quarters of max_connections
  Peers admin_addresses;                          ///< who may have one connection beyond these limits
  std::size_t max_connection_requests = 100'000;  ///< on one connection; 0: no limit
  std::size_t max_pipelined_requests = 1000;      ///< sent at once on one connection
  std::size_t max_request_rate = 0;               ///< requests a second from one address; 0: no limit
  std::size_t max_request_burst = 0;              ///< so many at once; 0: those of one second
  std::size_t workers = 0;                        ///< handler processes; 0: handlers run in the HTTPD process
  std::size_t max_queue = 1024;                   ///< requests that wait for a handler process
  std::size_t max_root_workers = 0;  ///< handler processes that one root may have at a time; 0: all but one
  std::string health_root;           ///< where `live` and `ready` are answered; "": nowhere
  std::chrono::seconds stuck_timeout{10};  ///< in a handler, after which its process counts as stuck
  std::chrono::seconds drain_delay{
      0};  ///< from SIGTERM to the end's beginning; the daemon's, like the next two
  std::chrono::seconds drain_timeout{5};     ///< that replies in progress have at the end
  std::chrono::seconds upgrade_timeout{60};  ///< that connections have once another daemon has taken over
  TlsSettings tls;
  AccessSettings access;
  AccessLogSettings access_log;
  CompressionSettings compression;
  http::Limits limits;
};

}  // namespace httpd::server
