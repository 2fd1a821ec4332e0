// A client's TLS connection that makes requests and checks every reply, for the loads over TLS.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls_connection.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

namespace bench {
namespace {

constexpr std::string_view kGoodStatus = "HTTP/1.1 200 ";
constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::size_t kLongestHead = 4096;
constexpr std::size_t kReadSize = 65'536;

/// The socket does not block afterwards. On loopback the connection is there at once.
int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // As clients do: the request follows the last message of the handshake in a write of its own.
  const int one = 1;
  if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    fail("connect");
  }
  return fd;
}

}  // namespace

void fail(const char* what) {
  const int error = errno;
  std::array<char, 256> text{};
  const unsigned long code = ::ERR_get_error();
  if (code != 0) ::ERR_error_string_n(code, text.data(), text.size());
  throw Failure(std::string(what) + ": " + (code != 0 ? text.data() : std::strerror(error)));
}

Order::Order(std::string_view path, std::size_t size, bool last)
    : request("GET " + std::string(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
              (last ? "Connection: close\r\n\r\n" : "\r\n")),
      body_size(size) {}

Connection::Connection(SSL_CTX& context, std::uint16_t port, const Order& order, SSL_SESSION* session)
    : order_(order), socket_(connect_to(port)), ssl_(::SSL_new(&context)) {
  if (!ssl_ || ::SSL_set_fd(ssl_.get(), socket_.get()) != 1) fail("SSL_new");
  if (session != nullptr && ::SSL_set_session(ssl_.get(), session) != 1) fail("SSL_set_session");
}

bool Connection::advance() {
  if (!connected_) {
    if (const int result = ::SSL_connect(ssl_.get()); result != 1) {
      check_waiting(result, "the handshake failed");
      return false;
    }
    connected_ = true;
    ask();
  }
  static std::array<char, kReadSize> piece;
  while (missing_ != 0) {
    const int count = ::SSL_read(ssl_.get(), piece.data(), static_cast<int>(piece.size()));
    if (count <= 0) {
      check_waiting(count, "the reply was cut off");
      return false;
    }
    take({piece.data(), static_cast<std::size_t>(count)});
    if (missing_ == 0) return true;
  }
  return false;
}

void Connection::ask() {
  if (::SSL_write(ssl_.get(), order_.request.data(), static_cast<int>(order_.request.size())) <= 0)
    fail("the request was not sent");
  head_.clear();
  missing_.reset();
}

std::string Connection::negotiated() const {
  std::string text = std::string(::SSL_get_version(ssl_.get())) + ' ' + ::SSL_get_cipher_name(ssl_.get());
  EVP_PKEY* key = nullptr;
  if (::SSL_get_peer_tmp_key(ssl_.get(), &key) != 1) return text;
  const Owned<EVP_PKEY> owned(key);
  std::array<char, 64> group{};
  std::size_t size = 0;
  const bool named = ::EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1;
  return text + ' ' + (named ? group.data() : ::EVP_PKEY_get0_type_name(key));
}

void Connection::check_waiting(int result, const char* failure) const {
  const int error = ::SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_ZERO_RETURN) throw Failure(std::string(failure) + ": the server said goodbye");
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) fail(failure);
}

void Connection::take(std::string_view bytes) {
  if (!missing_) {
    head_ += bytes;
    const std::size_t end = head_.find(kEndOfHead);
    if (end == std::string::npos && head_.size() < kLongestHead) return;
    if (end == std::string::npos || !head_.starts_with(kGoodStatus) || !states_length(end))
      throw Failure("not the reply that was expected: " + head_.substr(0, 200));
    bytes.remove_prefix(bytes.size() - (head_.size() - end - kEndOfHead.size()));
    missing_ = order_.body_size;
  }
  if (bytes.size() > *missing_) throw Failure("more came than the reply");
  *missing_ -= bytes.size();
}

bool Connection::states_length(std::size_t end_of_head) const {
  const std::string field = "\r\nContent-Length: " + std::to_string(order_.body_size) + "\r\n";
  return head_.find(field) < end_of_head;
}

}  // namespace bench
