// Fuzz target: the same bytes through a connection of the real server and through two parsers of others. What
// they refuse, or end elsewhere, must not be served. The first byte of the input chooses the size of the
// fragments, the rest is what a client sends before it says that it has finished.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <httpd/handler.h>

#include "connection_replies.h"
#include "harness.h"
#include "known_differences.h"
#include "message_reader.h"
#include "net/event_loop.h"
#include "net/listener.h"
#include "net/unique_fd.h"
#include "reference_reader.h"
#include "require.h"
#include "server/server.h"

namespace {

using httpd::fuzz::Ending;
using httpd::fuzz::find_known_difference;
using httpd::fuzz::PlainReply;
using httpd::fuzz::Reference;
using httpd::fuzz::ReferenceMessage;
using httpd::fuzz::ReferenceReading;
using httpd::fuzz::require;
namespace net = httpd::net;
namespace server = httpd::server;

constexpr std::size_t kMaxInput = 16'384;
constexpr int kMaxTurns = 1000;  // of the loop, before it must have nothing to do
constexpr int kServed = 218;     // the status of what the handler has answered, and nobody else gives

/// A request as the handler saw it.
struct Served {
  std::string method;
  std::string target;
  std::string body;
  /// For each name that a reference has found: the first value.
  std::vector<std::pair<std::string, std::string>> fields;
};

/// What the handler notes of the connection that is open.
struct Notes {
  std::vector<std::string> names;
  std::vector<Served> served;
};

class NotingHandler final : public httpd::Handler {
 public:
  explicit NotingHandler(Notes& notes) : notes_(notes) {}
  [[nodiscard]] httpd::MethodSet methods() const override {
    return {httpd::Method::kGet, httpd::Method::kPost, httpd::Method::kPut, httpd::Method::kPatch,
            httpd::Method::kDelete};
  }
  void handle(const httpd::Request& request, httpd::Reply reply) override {
    Served served;
    served.method = request.is_head() ? "HEAD" : httpd::method_name(request.method());
    served.target = request.target();
    served.body = request.body();
    for (const std::string& name : notes_.names)
      if (const auto value = request.field(name)) served.fields.emplace_back(name, *value);
    notes_.served.push_back(std::move(served));
    reply.status(kServed).send("noted");
  }

 private:
  Notes& notes_;
};

/// A listening socket in the Unix domain without a file: nothing on the way delays, and no port is used up.
class Meeting {
 public:
  Meeting() {
    address_.sun_family = AF_UNIX;
    const std::string name = "httpd-differential-" + std::to_string(::getpid());
    name.copy(&address_.sun_path[1], sizeof address_.sun_path - 2);
    size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  }
  [[nodiscard]] net::ListenSocket listen() const {
    net::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    require(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address_), size_) == 0);
    require(::listen(fd.get(), 16) == 0);
    return net::ListenSocket::adopt(std::move(fd));
  }
  [[nodiscard]] net::UniqueFd connect() const {
    net::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    require(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address_), size_) == 0);
    return fd;
  }

 private:
  sockaddr_un address_{};
  socklen_t size_ = 0;
};

/// One server for the life of the program.
class World {
 public:
  World() : socket_(meeting_.listen()) {
    for (const char* root : {"a", "echo"})
      router_.add("fuzz", root, std::make_unique<NotingHandler>(notes));
    server_ = std::make_unique<server::Server>(loop_, settings_, router_, log_, statistics_);
    server_->init_handlers();
    server_->serve(socket_);
  }

  /// What the server sends to a client that sends `input` and then ends.
  std::string exchange(std::string_view input, std::size_t fragment) {
    std::string output;
    {
      const net::UniqueFd client = meeting_.connect();
      bool open = true;
      for (std::size_t at = 0; at < input.size() && open; at += fragment) {
        const std::string_view piece = input.substr(at, fragment);
        // A server that has said its last word does not take what follows.
        if (::send(client.get(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
        work();
        open = receive(client, output);
      }
      ::shutdown(client.get(), SHUT_WR);
      work();
      // Everything that it was sent has been answered: nothing here waits for time to pass.
      require(!open || !receive(client, output));
    }
    work();
    require(server_->connections() == 0);
    return output;
  }

  [[nodiscard]] const httpd::http::Limits& limits() const { return settings_.limits; }

  Notes notes;

 private:
  void work() {
    pollfd waiting{loop_.descriptor(), POLLIN, 0};
    for (int turns = 0; httpd::fuzz::wait_for(&waiting, 1, 0); ++turns) {
      require(turns < kMaxTurns);
      loop_.run_once();
    }
  }
  /// False once the server has finished.
  static bool receive(const net::UniqueFd& client, std::string& output) {
    std::array<char, 16'384> buffer;
    for (;;) {
      const ssize_t count = ::recv(client.get(), buffer.data(), buffer.size(), 0);
      if (count == 0) return false;
      if (count < 0) {
        if (errno == EINTR) continue;
        require(errno == EAGAIN);
        return true;
      }
      output.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }

  Meeting meeting_;
  net::EventLoop loop_;
  net::ListenSocket socket_;
  server::Settings settings_;
  httpd::fuzz::SilentLog log_;
  server::Statistics statistics_;
  server::Router router_;
  std::unique_ptr<server::Server> server_;
};

/// "" when both have read the same, else what is different.
std::string difference(const Served& ours, const ReferenceMessage& theirs) {
  if (ours.method != theirs.method) return "method";
  if (ours.target != theirs.target) return "target";
  if (ours.body != theirs.body) return "body";
  for (const auto& [name, value] : ours.fields)
    for (const auto& [their_name, their_value] : theirs.fields)
      if (httpd::fuzz::same_name(name, their_name)) {
        // The target's authority replaces Host (RFC 9112 section 3.2.2).
        const bool replaced = httpd::fuzz::same_name(name, "Host") && ours.target.front() != '/';
        if (!replaced && value != httpd::fuzz::without_blanks(their_value)) return "field " + name;
        break;
      }
  return {};
}

/// Holds the replies against what one reference has read.
class Comparison {
 public:
  Comparison(Reference reference, const ReferenceReading& reading, std::string_view input)
      : reference_(reference), reading_(reading), input_(input) {}

  void compare(const std::vector<PlainReply>& replies, const std::vector<Served>& served) const {
    std::size_t next = 0;
    for (std::size_t i = 0;; ++i) {
      const bool closed = i > 0 && replies[i - 1].closes;
      const bool read = i < reading_.messages.size();
      if (i == replies.size()) {
        if (!closed && read) report(i, "not answered");
        return;
      }
      const PlainReply& reply = replies[i];
      const bool noted = reply.status == kServed;
      const Served* const ours = noted ? &served[next++] : nullptr;
      // A refusal after which the connection ends: nothing is served.
      if (reply.closes && reply.status >= 400) return;
      if (!read) {
        // A refusal after which the connection goes on has found an end where a reference finds none.
        if (reply.status < 400 || reading_.error.empty()) report(i, "not the end of a message");
        return;
      }
      if (noted)
        if (const std::string what = difference(*ours, reading_.messages[i]); !what.empty()) {
          report(i, what.c_str());
          return;
        }
    }
  }

 private:
  void report(std::size_t index, const char* what) const {
    const std::size_t begin = index == 0 ? 0 : reading_.messages[index - 1].end;
    const std::string_view error =
        index < reading_.messages.size() ? std::string_view() : std::string_view(reading_.error);
    std::string_view message = input_.substr(begin);
    while (message.starts_with("\r\n"))
      message.remove_prefix(2);
    if (find_known_difference(reference_, error, input_.substr(0, begin), message) != nullptr) return;
    std::fprintf(stderr, "message %zu, which %s reads otherwise (%s): %s\n", index + 1,
                 reference_ == Reference::kLlhttp ? "llhttp" : "http_parser",
                 error.empty() ? "no error" : reading_.error.c_str(), what);
    require(false);
  }

  Reference reference_;
  const ReferenceReading& reading_;
  std::string_view input_;
};

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > kMaxInput) return 0;
  static World world;
  const std::size_t fragment = data[0] % 64 == 0 ? kMaxInput : data[0] % 64;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);

  const ReferenceReading by_llhttp = httpd::fuzz::read_by_llhttp(input);
  const ReferenceReading by_http_parser = httpd::fuzz::read_by_http_parser(input);
  world.notes = {};
  for (const ReferenceReading* reading : {&by_llhttp, &by_http_parser})
    for (const ReferenceMessage& message : reading->messages)
      for (const auto& [name, value] : message.fields)
        world.notes.names.push_back(name);

  const std::string output = world.exchange(input, fragment);
  const std::vector<PlainReply> replies = httpd::fuzz::read_replies(
      output, httpd::fuzz::expect_replies(input, world.limits()), Ending{.ended = true, .cut = false});
  Comparison(Reference::kLlhttp, by_llhttp, input).compare(replies, world.notes.served);
  Comparison(Reference::kHttpParser, by_http_parser, input).compare(replies, world.notes.served);
  return 0;
}
