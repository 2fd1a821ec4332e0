// Fuzz target: a whole server on a loopback port. The first byte of the input chooses the size of the
// fragments, the second what else goes on (see Plan); the rest is what a client sends.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

#include <httpd/log.h>

#include "connection_handlers.h"
#include "connection_replies.h"
#include "harness.h"
#include "net/event_loop.h"
#include "net/listener.h"
#include "net/unique_fd.h"
#include "require.h"
#include "server/server.h"

namespace {

using httpd::fuzz::Backstage;
using httpd::fuzz::Ending;
using httpd::fuzz::Expectation;
using httpd::fuzz::PlainReply;
using httpd::fuzz::require;
using httpd::fuzz::wait_for;
namespace net = httpd::net;
namespace server = httpd::server;

constexpr std::size_t kMaxInput = 16'384;
constexpr std::size_t kReadSize = 16'384;
constexpr int kMaxTurns = 1000;              // of the loop, before it must have nothing to do
constexpr int kMostPatience = 500;           // ms; the only timer that is waited for is a stream's, of 20 ms
constexpr int kDelayedAcknowledgement = 60;  // ms
constexpr std::uint64_t kMayFillBuffers = 50'000;  // bytes
constexpr std::size_t kMostReads = 10'000;

/// How the bytes are brought, and what happens beside.
struct Plan {
  std::size_t fragment;
  bool small_limits;   // bit 0
  bool half_close;     // bit 1: the client says that it has finished
  bool drain;          // bit 2: the server shuts down before the last fragment
  bool slow;           // bit 3: the client reads nothing until it has sent all, into a small buffer
  bool destroy_first;  // bit 4: the server goes while its connections are open
  bool twin;           // bit 5: a second client sends the same in one piece, and must get the same
  bool refuse;         // bit 6: when it shuts down, it begins with nothing new

  Plan(std::uint8_t first, std::uint8_t second)
      : fragment(first % 64 == 0 ? kMaxInput : first % 64),
        small_limits((second & 1U) != 0),
        half_close((second & 2U) != 0),
        drain((second & 4U) != 0),
        slow((second & 8U) != 0),
        destroy_first((second & 16U) != 0),
        twin((second & 32U) != 0),
        refuse((second & 64U) != 0) {}
};

struct CheckedLog final : httpd::Log {
  [[nodiscard]] bool enabled(httpd::LogLevel /*level*/) const noexcept override { return true; }
  void write(httpd::LogLevel /*level*/, std::string_view line) noexcept override {
    for (const char c : line)
      require(static_cast<unsigned char>(c) >= 0x20 && c != '\x7f');
  }
};

/// One listening socket for the life of the program.
const net::ListenSocket& listening_socket() {
  static const net::ListenSocket kSocket = [] {
    net::ListenSocket socket = net::ListenSocket::bind("127.0.0.1", 0);
    socket.listen();
    return socket;
  }();
  return kSocket;
}

class Client {
 public:
  explicit Client(bool slow) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int small = 4096;
    if (slow) require(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
    leave_from_another_address();
    const net::Address& address = listening_socket().address();
    require(::connect(fd_.get(), &address.get(), address.size()) == 0);
    // Every fragment is to arrive at once, and not when the one before it has been acknowledged.
    const int on = 1;
    require(::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
  }
  /// Sends without waiting. What a server that reads no more has no room for is lost.
  void send(std::string_view text) {
    if (ending_.ended || ending_.cut) return;
    const ssize_t count = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count != static_cast<ssize_t>(text.size())) all_sent_ = false;
    // The kernel tells of a reset once: if here, then the output merely ends.
    if (count < 0 && errno != EAGAIN) reset_ = true;
  }
  void finish() { ::shutdown(fd_.get(), SHUT_WR); }
  /// Takes what has come. True when there was anything.
  bool receive() {
    std::array<char, kReadSize> buffer;
    bool any = false;
    while (!ending_.ended && !ending_.cut) {
      const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count > 0) {
        output_.append(buffer.data(), static_cast<std::size_t>(count));
        any = true;
      } else if (count == 0) {
        ending_.ended = !reset_;
        ending_.cut = reset_;
      } else if (errno == EAGAIN) {
        break;
      } else {
        require(errno == ECONNRESET);
        ending_.cut = true;
      }
    }
    return any;
  }
  /// Ends the connection with a reset, which leaves nothing behind in the kernel.
  void reset() {
    const linger at_once{1, 0};
    require(::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    fd_.reset();
  }
  [[nodiscard]] int descriptor() const { return fd_.get(); }
  [[nodiscard]] const std::string& output() const { return output_; }
  [[nodiscard]] const Ending& ending() const { return ending_; }
  [[nodiscard]] bool all_sent() const { return all_sent_; }

 private:
  /// Closed connections keep their ports for a minute, and one address has fewer than are made in one.
  void leave_from_another_address() const {
    static std::uint32_t count = 0;
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + count++ % 250);
    const int on = 1;
    require(::setsockopt(fd_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0);
    require(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&source), sizeof source) == 0);
  }

  net::UniqueFd fd_;
  std::string output_;
  Ending ending_;
  bool all_sent_ = true;
  bool reset_ = false;
};

server::Settings make_settings(const Plan& plan) {
  server::Settings settings;
  if (plan.small_limits) {
    settings.limits = {.max_uri_size = 64,
                       .max_header_size = 256,
                       .max_header_fields = 4,
                       .max_trailer_size = 32,
                       .max_trailer_fields = 2,
                       .receive_buf_size = 16,
                       .post_buf_size = 8,
                       .max_form_size = 64,
                       .max_form_fields = 3,
                       .max_chunk_extension_size = 8};
  }
  return settings;
}

class World {
 public:
  explicit World(const Plan& plan) : plan_(plan), settings_(make_settings(plan)) {
    httpd::fuzz::add_handlers(router_, backstage_);
    server_.emplace(loop_, settings_, router_, log_, statistics_);
    server_->init_handlers();
    server_->serve(listening_socket());
    for (std::size_t i = plan.twin ? 2 : 1; i > 0; --i) {
      clients_.emplace_back(plan.slow);
      work();
    }
    require(server_->connections() == clients_.size());
  }

  void run(std::string_view input) {
    if (plan_.twin) clients_[1].send(input);
    bool drained = false;
    for (std::size_t at = 0; at < input.size(); at += plan_.fragment) {
      const std::string_view fragment = input.substr(at, plan_.fragment);
      if (plan_.drain && at + fragment.size() == input.size())
        server_->drain([&drained] { drained = true; },
                       plan_.refuse ? server::Server::Waiting::kRefused : server::Server::Waiting::kServed);
      clients_[0].send(fragment);
      settle(!plan_.slow);
    }
    if (plan_.half_close)
      for (Client& client : clients_)
        client.finish();
    settle(true);
    if (drained) require(server_->connections() == 0);
    check(input);
    end();
    require(statistics_.value(server::Statistics::kOpenConnections) == 0);
    require(backstage_.lent == backstage_.released);
  }

 private:
  /// Lets the loop do all that it has to do.
  void work() {
    pollfd waiting{loop_.descriptor(), POLLIN, 0};
    for (int turns = 0; wait_for(&waiting, 1, backstage_.waiting > 0 ? kMostPatience : 0); ++turns) {
      require(turns < kMaxTurns);
      loop_.run_once();
    }
    require(backstage_.waiting == 0 && backstage_.for_loop.empty());
  }
  /// Lets server and clients work until none of them has anything to do.
  void settle(bool read) {
    bool again = true;
    for (std::size_t rounds = 0; again; ++rounds) {
      require(rounds < kMostReads);
      work();
      again = backstage_.finish_outside();
      for (Client& client : clients_)
        if (read && client.receive()) again = true;
      if (read && !again) again = more_to_come();
    }
  }
  /// The kernel passes bytes on in its own time where a small buffer was full. Waits for those on their way.
  bool more_to_come() {
    std::uint64_t received = 0;
    std::vector<pollfd> waiting{{loop_.descriptor(), POLLIN, 0}};
    for (const Client& client : clients_) {
      received += client.output().size();
      if (client.ending().cut) return false;
      if (!client.ending().ended) waiting.push_back({client.descriptor(), POLLIN, 0});
    }
    const bool on_their_way = received < statistics_.value(server::Statistics::kBytesSent);
    const bool held_up = plan_.slow && received > kMayFillBuffers;
    const int patience = on_their_way ? kMostPatience : held_up ? kDelayedAcknowledgement : 0;
    return patience > 0 && wait_for(waiting.data(), waiting.size(), patience);
  }

  void check(std::string_view input) const {
    const Expectation expectation = httpd::fuzz::expect_replies(input, settings_.limits);
    std::vector<std::vector<PlainReply>> replies;
    for (const Client& client : clients_) {
      // Nothing but a stream that broke is a reason to cut a connection, unless the client went on sending
      // to a server that had said that it would not read on.
      if (!plan_.drain && !plan_.slow) require(!client.ending().cut || backstage_.broken);
      Ending ending = client.ending();
      replies.push_back(read_replies(client.output(), expectation, ending));
      if (expectation.first_is_whole && !plan_.drain && !backstage_.broken && backstage_.forgotten.empty())
        require(!replies.back().empty() || !client.all_sent() || ending.cut);
      // It does not end a connection that it has not said it would end.
      if (ending.ended && !plan_.drain && !plan_.half_close)
        require(!replies.back().empty() && replies.back().back().closes);
    }
    if (plan_.twin && !plan_.drain && !plan_.slow && !backstage_.broken) check_twins(replies[0], replies[1]);
  }
  /// The fragments of a message must not change what it means.
  static void check_twins(const std::vector<PlainReply>& a, const std::vector<PlainReply>& b) {
    // A trailer section about as long as its limit: until it is whole, the line before it counts as well.
    const bool stopped = !a.empty() && a.back().status == 431 && a.size() <= b.size();
    require(a.size() == b.size() || stopped);
    for (std::size_t i = 0; i < a.size() - (stopped ? 1 : 0); ++i) {
      // Where a message has two faults, its fragments decide which is seen first.
      const bool both_refused = a[i].closes && b[i].closes && a[i].status >= 400 && b[i].status >= 400;
      require(both_refused || a[i] == b[i]);
    }
  }

  void end() {
    if (plan_.destroy_first) {
      server_.reset();
      for (httpd::Reply& reply : backstage_.forgotten) {
        require(reply.client_gone());
        reply.status(200).send("nobody listens");
      }
      backstage_.forgotten.clear();
    }
    for (Client& client : clients_)
      client.reset();
    if (!server_) return;
    work();
    require(server_->connections() == 0);
    for (httpd::Reply& reply : backstage_.forgotten)
      require(reply.client_gone());
  }

  Plan plan_;
  net::EventLoop loop_;
  server::Settings settings_;
  CheckedLog log_;
  server::Statistics statistics_;
  Backstage backstage_;
  server::Router router_;
  std::optional<server::Server> server_;
  std::vector<Client> clients_;
};

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > kMaxInput) return 0;
  World world(Plan(data[0], data[1]));
  world.run({reinterpret_cast<const char*>(data) + 2, size - 2});
  return 0;
}
