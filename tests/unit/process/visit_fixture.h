// A visit whose messages the test reads, in the place of the HTTPD process.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/stream.h"
#include "process/memory_file.h"
#include "process/visit.h"
#include "requests.h"

namespace httpd::process {

/// A message that a visit sent, with its own copy of the payload.
struct Sent {
  Header header;
  std::string type;
  std::string fields;
  std::string body;
  bool file;
};

class VisitTest : public ::testing::Test, protected Visit::Owner {
 protected:
  void SetUp() override {
    router.add("test", "r",
               handler([this](const Request& request, Reply reply) { function(request, std::move(reply)); }));
    Visit::Owner& owner = *this;
    visit.emplace(Visit::Surroundings{loop, router, log, owner}, limits);
  }
  bool send(const Outgoing& message) noexcept override {
    if (refused > 0 && refused-- > 0) return false;
    std::string body(message.parts[2]);
    if (message.header.body == Header::Body::kInFile) {
      body.resize(message.header.body_size);
      EXPECT_TRUE(net::read_file({message.file, message.header.offset, body.size()}, body.data()));
    }
    sent.push_back({message.header, std::string(message.parts[0]), std::string(message.parts[1]),
                    std::move(body), message.file >= 0});
    return true;
  }
  void on_ended(Visit& /*visit*/) noexcept override { ++ended; }
  std::span<char> window() noexcept override { return memory; }

  /// Has `handler_function` answer a request.
  void handle(server::FunctionHandler::Function handler_function,
              std::string_view head = "GET /r HTTP/1.1\r\nHost: a\r\n\r\n", std::string_view body = "") {
    function = std::move(handler_function);
    const WholeRequest request(limits, router, head, body);
    std::string origin;
    const Outgoing outgoing = request_message(42, request.exchange, origin);
    std::string payload;
    for (const std::string_view part : outgoing.parts)
      payload += part;
    handle(outgoing.header, payload);
  }
  void handle(const Header& header, std::string_view payload) {
    Incoming incoming;
    incoming.header = header;
    incoming.payload = payload;
    visit->handle(incoming);
  }
  void stream(std::vector<std::pair<std::ptrdiff_t, std::string>> pieces) {
    handle([pieces](const Request&, Reply reply) {
      reply.stream(std::make_unique<server::ListSource>(pieces));
    });
  }
  void settle(int quiet_ms = 0) {
    pollfd waiting{loop.descriptor(), POLLIN, 0};
    while (::poll(&waiting, 1, quiet_ms) == 1)
      loop.run_once();
  }
  /// The only message since the last call.
  Sent take() {
    EXPECT_EQ(sent.size(), 1U);
    if (sent.empty()) return {};
    Sent last = sent.back();
    sent.clear();
    EXPECT_EQ(last.header.id, 42U);
    return last;
  }

  net::EventLoop loop;
  http::Limits limits;
  server::Router router;
  server::TestLog log;
  std::vector<char> memory = std::vector<char>(kWindow);
  server::FunctionHandler::Function function;
  std::optional<Reply> kept;
  std::optional<Visit> visit;
  std::vector<Sent> sent;
  int ended = 0;
  int refused = 0;
};

}  // namespace httpd::process
