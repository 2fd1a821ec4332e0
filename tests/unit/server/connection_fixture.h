// A server with handlers of every kind, for the tests of connections.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gmock/gmock.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fixture.h"

namespace httpd::server {

class ConnectionTest : public ServerTest {
 protected:
  void SetUp() override {
    root("hello", {Method::kGet}, [](const Request&, Reply reply) { reply.send("hello"); });
    root("echo", {Method::kPost, Method::kPut},
         [](const Request& request, Reply reply) { reply.send_copy(request.body()); });
    root("large", {Method::kGet}, [](const Request&, Reply reply) { reply.send(std::string(8 << 20, 'x')); });
    root("keep", {Method::kGet}, [this](const Request&, Reply reply) { kept.emplace(std::move(reply)); });
    root("drop", {Method::kGet}, [](const Request&, Reply reply) { const Reply gone = std::move(reply); });
    root("throw", {Method::kGet}, [](const Request&, Reply) { throw std::runtime_error("oh \x01 no"); });
    root("stream", {Method::kGet},
         [this](const Request&, Reply reply) { reply.stream(std::make_unique<ListSource>(pieces)); });
  }
  static std::string post(std::string_view path, std::string_view body, std::string_view fields = "") {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(fields) + "\r\n" + std::string(body);
  }
  std::optional<Reply> kept;
  std::vector<std::pair<std::ptrdiff_t, std::string>> pieces;
};

/// Sends and resets in one go, so that the server gets both in one event.
inline void send_and_reset(ServerTest::Client& client, std::string_view text) {
  client.send(text);
  const linger hard{1, 0};
  ::setsockopt(client.descriptor(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  client.close();
}

}  // namespace httpd::server
