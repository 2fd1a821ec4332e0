// A server on a loopback port with a client in the same process, for the tests of this folder.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include <httpd/handler.h>

#include "net/event_loop.h"
#include "net/listener.h"
#include "server/server.h"

namespace httpd::server {

struct TestLog final : Log {
  bool enabled(LogLevel /*level*/) const noexcept override { return true; }
  void write(LogLevel /*level*/, std::string_view line) noexcept override { lines.emplace_back(line); }
  [[nodiscard]] bool contains(std::string_view text) const {
    for (const std::string& line : lines)
      if (line.find(text) != std::string::npos) return true;
    return false;
  }
  std::vector<std::string> lines;
};

/// A handler from a function.
class FunctionHandler final : public Handler {
 public:
  using Function = std::function<void(const Request&, Reply)>;
  FunctionHandler(MethodSet methods, Function function) : methods_(methods), function_(std::move(function)) {}
  MethodSet methods() const override { return methods_; }
  void init_process(Loop& loop) override { process_loop = &loop; }
  void handle(const Request& request, Reply reply) override { function_(request, std::move(reply)); }
  bool may_be_compressed() const noexcept override { return consents; }
  bool never_blocks() const noexcept override { return is_quick; }
  bool consents = false;
  bool is_quick = false;
  Loop* process_loop = nullptr;

 private:
  MethodSet methods_;
  Function function_;
};

/// A stream from a list of results: texts, or the constants of BodySource.
class ListSource final : public BodySource {
 public:
  explicit ListSource(std::vector<std::pair<std::ptrdiff_t, std::string>> pieces)
      : pieces_(std::move(pieces)) {}
  std::ptrdiff_t read(std::uint64_t /*position*/, char* buffer, std::size_t size) override {
    if (next_ == pieces_.size()) return kEnd;
    const auto& [code, text] = pieces_[next_++];
    if (code <= 0 && text.empty()) return code;
    EXPECT_LE(text.size(), size);
    text.copy(buffer, size);
    return static_cast<std::ptrdiff_t>(text.size());
  }

 private:
  std::vector<std::pair<std::ptrdiff_t, std::string>> pieces_;
  std::size_t next_ = 0;
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() : socket(net::ListenSocket::bind("127.0.0.1", 0)) { socket.listen(); }

  FunctionHandler& root(std::string_view name, MethodSet methods, FunctionHandler::Function function,
                        bool never_blocks = false) {
    auto handler = std::make_unique<FunctionHandler>(methods, std::move(function));
    handler->is_quick = never_blocks;
    FunctionHandler& result = *handler;
    router.add("test", name, std::move(handler));
    return result;
  }
  void start() {
    requests.emplace(router.routes().size());
    server = std::make_unique<Server>(loop, settings, router, log, statistics);
    server->count_requests(*requests);
    server->init_handlers();
    server->serve(socket);
  }

  /// Lets the server work until nothing has happened for `quiet_ms`.
  void settle(int quiet_ms = 20) {
    pollfd waiting{loop.descriptor(), POLLIN, 0};
    while (::poll(&waiting, 1, quiet_ms) == 1)
      loop.run_once();
  }

 public:
  class Client {
   public:
    explicit Client(ServerTest& test) : test_(test), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
      const net::Address& address = test.socket.address();
      EXPECT_EQ(::connect(fd_.get(), &address.get(), address.size()), 0);
      test.settle(0);
    }
    void send(std::string_view text) {
      EXPECT_EQ(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    void finish() { ::shutdown(fd_.get(), SHUT_WR); }
    void close() { fd_.reset(); }
    /// Everything that has come, after the server has settled; `ended` tells whether the server closed.
    std::string receive(int quiet_ms = 20) {
      std::string text;
      for (;;) {
        test_.settle(quiet_ms);
        char buffer[65536];
        const ssize_t count = ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
        if (count > 0) {
          text.append(buffer, static_cast<std::size_t>(count));
          continue;
        }
        ended = count == 0;
        reset = count < 0 && errno == ECONNRESET;
        return text;
      }
    }
    /// Sends a message in fragments of `step` bytes, the server working in between.
    void trickle(std::string_view text, std::size_t step) {
      for (std::size_t at = 0; at < text.size(); at += step) {
        send(text.substr(at, step));
        test_.settle(0);
      }
    }
    [[nodiscard]] int descriptor() const { return fd_.get(); }
    bool ended = false;
    bool reset = false;

   private:
    ServerTest& test_;
    net::UniqueFd fd_;
  };

 protected:
  /// The reply without its Date field, which changes.
  static std::string without_date(std::string reply) {
    for (std::size_t at = 0; (at = reply.find("Date: ", at)) != std::string::npos;)
      reply.erase(at, reply.find("\r\n", at) + 2 - at);
    return reply;
  }

  net::EventLoop loop;
  Settings settings;
  Router router;
  TestLog log;
  Statistics statistics;
  std::optional<RequestStatistics> requests;
  net::ListenSocket socket;
  std::unique_ptr<Server> server;
};

inline constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
inline constexpr std::string_view kHelloReply =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello";

}  // namespace httpd::server
