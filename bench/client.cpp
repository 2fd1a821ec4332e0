// What the load generators share. SPDX-License-Identifier: GPL-2.0-or-later
#include "client.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <limits>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr std::string_view kGoodStatus = "HTTP/1.1 200 ";
constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::size_t kLongestHead = 4096;

}  // namespace

void fail(const char* what) {
  const int error = errno;
  throw Failure(std::string(what) + ": " + std::strerror(error));
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::size_t number(std::string_view text) {
  std::size_t value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw Failure(std::string(text) + ": not a number");
  return value;
}

std::uint16_t port_number(std::string_view text) {
  const std::size_t value = number(text);
  if (value > std::numeric_limits<std::uint16_t>::max()) throw Failure(std::string(text) + ": no port");
  return static_cast<std::uint16_t>(value);
}

Descriptor try_to_connect(std::uint16_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) fail("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int one = 1;
  if (::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ECONNREFUSED) return Descriptor();
    fail("connect");
  }
  return socket;
}

Descriptor connect_to(std::uint16_t port) {
  Descriptor socket = try_to_connect(port);
  if (socket.get() < 0) throw Failure("nobody listens on port " + std::to_string(port));
  return socket;
}

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) fail("send");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string get_request(std::string_view path, bool last) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
         (last ? "Connection: close\r\n\r\n" : "\r\n");
}

std::optional<std::string_view> check_head(std::string_view received, std::size_t size) {
  const std::size_t end = received.find(kEndOfHead);
  if (end == std::string_view::npos && received.size() < kLongestHead) return std::nullopt;
  const std::string field = "\r\nContent-Length: " + std::to_string(size) + "\r\n";
  if (end == std::string_view::npos || !received.starts_with(kGoodStatus) || received.find(field) >= end)
    throw Failure("not the reply that was expected: " + std::string(received.substr(0, 200)));
  const std::string_view body = received.substr(end + kEndOfHead.size());
  if (body.size() > size) throw Failure("more came than the reply");
  return body;
}

void wait_for_start() {
  if (std::puts("ready") < 0 || std::fflush(stdout) != 0 || std::getchar() != '\n')
    throw Failure("was not told to start");
}

void complain(const char* program, const char* what) noexcept {
  static_cast<void>(std::fprintf(stderr, "%s: %s\n", program, what));
}

}  // namespace bench
