// Requests without a connection, for the tests of what carries them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "../server/fixture.h"
#include "net/address.h"
#include "server/exchange.h"
#include "server/router.h"

namespace httpd::process {

/// A request as it is when the connection has it whole; also plays the connection.
class WholeRequest final : private server::Exchange::Owner {
 public:
  WholeRequest(const http::Limits& limits, const server::Router& router, std::string_view head,
               std::string_view body = {}, std::shared_ptr<const TlsSession> tls = nullptr)
      : exchange(limits) {
    exchange.begin(*this, *net::Address::parse("192.0.2.1", 1234), std::move(tls));
    EXPECT_EQ(exchange.parser().parse_head(head), http::RequestParser::State::kComplete);
    exchange.received_body().assign(body);
    EXPECT_EQ(exchange.route(router), http::Refusal::kNone);
    EXPECT_EQ(exchange.read_arguments(), http::Refusal::kNone);
  }
  ~WholeRequest() { exchange.end(); }
  WholeRequest(const WholeRequest&) = delete;
  WholeRequest& operator=(const WholeRequest&) = delete;

  server::Exchange exchange;
  int finished = 0;  // how often its reply was

 private:
  void on_reply_finished(server::Exchange& /*exchange*/) noexcept override { ++finished; }
  const net::Address& local_address() noexcept override { return server_; }
  net::Address server_ = *net::Address::parse("::1", 8888);
};

inline std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

inline std::unique_ptr<server::FunctionHandler> handler(server::FunctionHandler::Function function) {
  return std::make_unique<server::FunctionHandler>(MethodSet{Method::kGet, Method::kHead, Method::kPost},
                                                   std::move(function));
}

}  // namespace httpd::process
