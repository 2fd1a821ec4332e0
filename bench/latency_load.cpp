// Asks a number of times, on some connections that are kept, and prints how long each reply took: one number
// of microseconds a line. SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

#include "client.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLongestSilence = 30'000;  // ms

/// One connection, which asks again when it has its reply.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(bench::connect_to(port)) {}

  [[nodiscard]] int socket() const noexcept { return socket_.get(); }

  void ask(std::string_view request) {
    reply_.clear();
    asked_ = Clock::now();
    bench::send_all(socket_.get(), request);
  }

  /// Takes what has come. True when the reply is complete, which must be a 200 with a body of `size` bytes.
  bool receive(std::size_t size) {
    std::array<char, 65536> piece{};
    const ssize_t count = ::recv(socket_.get(), piece.data(), piece.size(), 0);
    if (count < 0) bench::fail("recv");
    if (count == 0) throw bench::Failure("the server closed a connection that was to be kept");
    reply_.append(piece.data(), static_cast<std::size_t>(count));
    const auto body = bench::check_head(reply_, size);
    if (!body || body->size() < size) return false;
    taken_ = Clock::now() - asked_;
    return true;
  }

  [[nodiscard]] double microseconds() const {
    return std::chrono::duration<double, std::micro>(taken_).count();
  }

 private:
  bench::Descriptor socket_;
  std::string reply_;
  Clock::time_point asked_;
  Clock::duration taken_{};
};

/// `count` replies on all of the clients together.
std::vector<double> load(std::vector<Client>& clients, std::string_view request, std::size_t count,
                         std::size_t size) {
  std::vector<double> times;
  times.reserve(count);
  std::vector<pollfd> waiting;
  std::size_t asked = 0;
  for (Client& client : clients) {
    waiting.push_back({client.socket(), POLLIN, 0});
    if (asked++ < count) client.ask(request);
  }
  while (times.size() < count) {
    const int ready = ::poll(waiting.data(), waiting.size(), kLongestSilence);
    if (ready < 0) bench::fail("poll");
    if (ready == 0) throw bench::Failure("no reply in 30 s");
    for (std::size_t index = 0; index < clients.size(); ++index) {
      Client& client = clients[index];
      if (waiting[index].revents == 0 || !client.receive(size)) continue;
      times.push_back(client.microseconds());
      if (asked++ < count) client.ask(request);
    }
  }
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    static_cast<void>(std::fputs("usage: bench_latency PORT PATH SIZE CONNECTIONS COUNT\n", stderr));
    return 2;
  }
  const std::vector<std::string> arguments(argv, argv + argc);
  return bench::run("bench_latency", [&] {
    const std::string request = bench::get_request(arguments[2]);
    const std::size_t size = bench::number(arguments[3]);
    std::vector<Client> clients;
    for (std::size_t index = bench::number(arguments[4]); index > 0; --index)
      clients.emplace_back(bench::port_number(arguments[1]));
    load(clients, request, clients.size(), size);  // so that accepting them is not measured
    for (const double time : load(clients, request, bench::number(arguments[5]), size))
      static_cast<void>(std::printf("%.1f\n", time));
  });
}
