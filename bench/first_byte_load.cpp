// Visits, one after the other: connects, asks, and prints the microseconds until the first byte of the reply.
// Or holds connections open that have made one request each. SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "client.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kPath = "/bench";
constexpr std::size_t kBodySize = 500;

/// Appends what has come; false at the end of the connection.
bool receive(int socket, std::string& received) {
  std::array<char, 4096> piece{};
  const ssize_t count = ::recv(socket, piece.data(), piece.size(), 0);
  if (count < 0) bench::fail("recv");
  received.append(piece.data(), static_cast<std::size_t>(count));
  return count > 0;
}

bool complete(const std::string& received) {
  const auto body = bench::check_head(received, kBodySize);
  return body && body->size() == kBodySize;
}

/// Reads until the server closes, so that it has nothing left to do when the next visit begins.
double visit(std::uint16_t port, const std::string& request) {
  const Clock::time_point begin = Clock::now();
  const bench::Descriptor socket = bench::connect_to(port);
  bench::send_all(socket.get(), request);
  std::string received;
  bool open = receive(socket.get(), received);
  const double taken = std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
  while (open)
    open = receive(socket.get(), received);
  if (!complete(received)) throw bench::Failure("the reply was cut off");
  return taken;
}

void visits(std::uint16_t port, std::size_t count) {
  const std::string request = bench::get_request(kPath, true);
  visit(port, request);
  for (; count > 0; --count)
    std::printf("%.1f\n", visit(port, request));
}

void hold(std::uint16_t port, std::size_t count) {
  const std::string request = bench::get_request(kPath);
  std::vector<bench::Descriptor> sockets;
  for (; count > 0; --count) {
    sockets.push_back(bench::connect_to(port));
    bench::send_all(sockets.back().get(), request);
    std::string received;
    while (!complete(received)) {
      if (!receive(sockets.back().get(), received)) throw bench::Failure("the reply was cut off");
    }
  }
  bench::wait_for_start();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (argc != 4 || (arguments[2] != "visit" && arguments[2] != "hold")) {
    static_cast<void>(std::fputs("usage: bench_first_byte PORT visit|hold COUNT\n", stderr));
    return 2;
  }
  return bench::run("bench_first_byte", [&] {
    const auto work = arguments[2] == "visit" ? &visits : &hold;
    work(bench::port_number(arguments[1]), bench::number(arguments[3]));
  });
}
