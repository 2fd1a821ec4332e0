// A server that speaks TLS, with clients in the same thread, for the tests of encrypted connections.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

#include "../net/tls_client.h"
#include "../net/tls_fixture.h"
#include "connection_fixture.h"

namespace httpd::server {

using net::TlsClient;
using net::TlsClientOptions;

class TlsConnectionTest : public ConnectionTest {
 protected:
  void SetUp() override {
    ConnectionTest::SetUp();
    root("who", {Method::kGet}, [](const Request& request, Reply reply) {
      const TlsSession* const tls = request.tls();
      reply.send(tls == nullptr ? std::string("in clear")
                                : tls->version + '|' + tls->server_name + '|' + tls->client_subject + '|' +
                                      tls->client_issuer);
    });
    root("count", {Method::kPost}, [this](const Request&, Reply reply) {
      ++calls;
      reply.send("counted");
    });
    root("hold", {Method::kGet}, [this](const Request& request, Reply reply) {
      held = &request;
      kept.emplace(std::move(reply));
    });
  }
  void start_tls(std::shared_ptr<const net::TlsCredentials> credentials = nullptr) {
    if (credentials == nullptr) credentials = net::load_credentials({&net::pki::server()});
    server = std::make_unique<Server>(loop, settings, router, log, statistics);
    server->init_handlers();
    server->use_tls(std::move(credentials));
    server->serve(socket, true);
  }
  /// A connection that has said nothing yet.
  std::unique_ptr<TlsClient> connect(const TlsClientOptions& options = {}, int receive_buffer = 0) {
    net::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int at_once = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    if (receive_buffer > 0)
      ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    EXPECT_EQ(::connect(fd.get(), &socket.address().get(), socket.address().size()), 0);
    settle(0);
    return std::make_unique<TlsClient>(std::move(fd), options);
  }
  bool shake_hands(TlsClient& client) {
    for (int round = 0; round < 10 && !client.handshake(); ++round) {
      client.deliver();
      settle();
    }
    client.deliver();
    settle();
    return client.secure();
  }
  /// A connection that is ready for requests.
  std::unique_ptr<TlsClient> open(const TlsClientOptions& options = {}) {
    std::unique_ptr<TlsClient> client = connect(options);
    EXPECT_TRUE(shake_hands(*client)) << ::gnutls_strerror(client->code());
    return client;
  }
  /// All that comes.
  std::string receive(TlsClient& client) {
    std::string text;
    for (bool more = true; more;) {
      settle();
      const std::string part = client.read();
      more = !part.empty() && client.code() == GNUTLS_E_AGAIN;
      text += part;
    }
    return text;
  }
  std::string ask(TlsClient& client, std::string_view text) {
    client.send(text);
    return receive(client);
  }
  static std::string get(std::string_view path) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }

  const Request* held = nullptr;
  int calls = 0;
};

}  // namespace httpd::server
