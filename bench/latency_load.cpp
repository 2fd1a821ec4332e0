// Asks a number of times, on some connections that are kept, and prints how long each reply took: one number
// of microseconds a line. SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLongestSilence = 30'000;  // ms

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(errno == 0 ? what : what + ": " + std::strerror(errno));
}

std::size_t number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) throw std::runtime_error("not a number");
  return value;
}

/// One connection, which asks again when it has its reply.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
      fail("connect");
  }

  [[nodiscard]] int socket() const noexcept { return socket_; }

  void ask(std::string_view request) {
    reply_.clear();
    asked_ = Clock::now();
    if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      fail("send");
  }

  /// Takes what has come. True when the reply is complete, which must be a 200 with a body of `size` bytes.
  bool receive(std::size_t size) {
    std::array<char, 65536> piece{};
    const ssize_t count = ::recv(socket_, piece.data(), piece.size(), 0);
    if (count < 0) fail("recv");
    errno = 0;
    if (count == 0) fail("the server closed a connection that was to be kept");
    reply_.append(piece.data(), static_cast<std::size_t>(count));
    const std::size_t head = reply_.find("\r\n\r\n");
    if (head == std::string::npos || reply_.size() < head + 4 + size) return false;
    taken_ = Clock::now() - asked_;
    if (!reply_.starts_with("HTTP/1.1 200 ") || reply_.size() != head + 4 + size)
      fail("a wrong reply: " + reply_.substr(0, head));
    return true;
  }

  [[nodiscard]] double microseconds() const {
    return std::chrono::duration<double, std::micro>(taken_).count();
  }

 private:
  int socket_;  // closed by the end of the program
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
    errno = 0;
    if (::poll(waiting.data(), waiting.size(), kLongestSilence) <= 0) fail("no reply in 30 s");
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
  try {
    const std::string request = "GET " + std::string(argv[2]) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    const std::size_t size = number(argv[3]);
    std::vector<Client> clients;
    for (std::size_t index = number(argv[4]); index > 0; --index)
      clients.emplace_back(static_cast<std::uint16_t>(number(argv[1])));
    load(clients, request, clients.size(), size);  // so that accepting them is not measured
    for (const double time : load(clients, request, number(argv[5]), size))
      static_cast<void>(std::printf("%.1f\n", time));
  } catch (const std::exception& exception) {
    static_cast<void>(std::fprintf(stderr, "%s\n", exception.what()));
    return 1;
  }
  return 0;
}
