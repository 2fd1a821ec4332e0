// GETs on connections that are all open, and have made a request each, before the clock starts: what wrk
// cannot, which counts the opening of ten thousand connections to the round. Every reply is checked.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "client.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLongestSilence = 30'000;     // ms
constexpr std::size_t kOpenedAtOnce = 100;  // less than any server's backlog
constexpr std::size_t kStride = 7'919;      // a prime, so that one path and the next are far apart

/// The requests in their order: one, or one for each of many paths.
class Requests {
 public:
  Requests(const std::string& path, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string one = count == 1 ? path : path + std::to_string(i * kStride % count);
      requests_.push_back(bench::get_request(one));
    }
  }

  const std::string& next() noexcept {
    if (++last_ >= requests_.size()) last_ = 0;
    return requests_[last_];
  }

 private:
  std::vector<std::string> requests_;
  std::size_t last_ = 0;
};

/// One connection, which waits for a reply or has its reply.
class Connection {
 public:
  explicit Connection(std::uint16_t port) : socket_(bench::connect_to(port)) {}

  [[nodiscard]] int socket() const noexcept { return socket_.get(); }

  /// Takes what has come. True when the reply is complete, which must be a 200 with a body of `size` bytes.
  bool receive(std::size_t size) {
    static std::array<char, 65536> piece;
    const ssize_t count = ::recv(socket_.get(), piece.data(), piece.size(), 0);
    if (count < 0) bench::fail("recv");
    if (count == 0) throw bench::Failure("the server closed a connection that was to be kept");
    std::string_view bytes(piece.data(), static_cast<std::size_t>(count));
    if (!part_.empty()) bytes = part_.append(bytes);
    const std::size_t head = bytes.find("\r\n\r\n");
    if (head != std::string_view::npos && bytes.size() >= head + 4 + size) {
      if (!bytes.starts_with("HTTP/1.1 200 ") || bytes.size() != head + 4 + size)
        throw bench::Failure("a wrong reply: " + std::string(bytes.substr(0, head)));
      part_.clear();
      return true;
    }
    if (part_.empty()) part_ = bytes;
    return false;
  }

 private:
  bench::Descriptor socket_;
  std::string part_;  // of a reply that has not come whole
};

class Load {
 public:
  Load(std::uint16_t port, std::size_t connections, std::size_t size, Requests requests)
      : size_(size), requests_(std::move(requests)) {
    if (epoll_.get() < 0) bench::fail("epoll_create1");
    while (connections_.size() < connections) {
      Connection& connection = connections_.emplace_back(port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &connection;
      if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.socket(), &event) != 0)
        bench::fail("epoll_ctl");
      ask(connection);
      if (connections_.size() % kOpenedAtOnce == 0) drain();
    }
    drain();
  }

  /// Asks on all connections for so long; returns the number of replies, and the seconds that they took.
  std::pair<std::size_t, double> run(std::chrono::seconds duration) {
    const Clock::time_point start = Clock::now();
    std::size_t count = 0;
    for (Connection& connection : connections_)
      ask(connection);
    while (Clock::now() < start + duration) {
      count += take([this](Connection& connection) { ask(connection); });
    }
    count += drain();
    return {count, std::chrono::duration<double>(Clock::now() - start).count()};
  }

 private:
  void ask(Connection& connection) {
    bench::send_all(connection.socket(), requests_.next());
    ++asked_;
  }

  /// Waits for replies; calls `after` with each connection that has its own. Returns how many came.
  template <typename After>
  std::size_t take(After after) {
    std::array<epoll_event, 256> events{};
    const int ready =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), kLongestSilence);
    if (ready < 0) bench::fail("epoll_wait");
    if (ready == 0) throw bench::Failure("no reply in 30 s");
    std::size_t count = 0;
    for (int i = 0; i < ready; ++i) {
      auto& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (!connection.receive(size_)) continue;
      ++count;
      --asked_;
      after(connection);
    }
    return count;
  }

  /// Takes what is still to come.
  std::size_t drain() {
    std::size_t count = 0;
    while (asked_ > 0)
      count += take([](Connection&) {});
    return count;
  }

  std::size_t size_;
  Requests requests_;
  bench::Descriptor epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::deque<Connection> connections_;  // whose addresses epoll keeps
  std::size_t asked_ = 0;               // requests without a reply
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    static_cast<void>(
        std::fputs("usage: bench_kept_load PORT PATH PATHS SIZE CONNECTIONS SECONDS\n"
                   "With more than one of PATHS they are PATH0, PATH1, ...\n",
                   stderr));
    return 2;
  }
  return bench::run(argv[0], [argv] {
    Load load(bench::port_number(argv[1]), bench::number(argv[5]), bench::number(argv[4]),
              Requests(argv[2], bench::number(argv[3])));
    bench::wait_for_start();
    const auto [count, seconds] = load.run(std::chrono::seconds(bench::number(argv[6])));
    static_cast<void>(std::printf("{\"count\": %zu, \"seconds\": %.6f}\n", count, seconds));
    bench::wait_for_start();  // once more, while the bench looks at the server with all connections open
  });
}
