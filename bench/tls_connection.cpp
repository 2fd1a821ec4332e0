// A client's TLS connection that makes requests and checks every reply, for the loads over TLS.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls_connection.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <openssl/err.h>
#include <utility>

namespace bench {
namespace {

constexpr std::size_t kReadSize = 65'536;

}  // namespace

void fail_tls(const char* what) {
  const int error = errno;
  std::array<char, 256> text{};
  const unsigned long code = ::ERR_get_error();
  if (code != 0) ::ERR_error_string_n(code, text.data(), text.size());
  throw Failure(std::string(what) + ": " + (code != 0 ? text.data() : std::strerror(error)));
}

Order::Order(std::string_view path, std::size_t size, bool last)
    : request(get_request(path, last)), body_size(size) {}

Connection::Connection(SSL_CTX& context, Descriptor socket, const Order& order, SSL_SESSION* session)
    : order_(order), socket_(std::move(socket)), ssl_(::SSL_new(&context)) {
  if (::fcntl(socket_.get(), F_SETFL, O_NONBLOCK) != 0) fail("fcntl");
  if (!ssl_ || ::SSL_set_fd(ssl_.get(), socket_.get()) != 1) fail_tls("SSL_new");
  if (session != nullptr && ::SSL_set_session(ssl_.get(), session) != 1) fail_tls("SSL_set_session");
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
    fail_tls("the request was not sent");
  head_.clear();
  missing_.reset();
}

void Connection::count_records() {
  ::SSL_set_msg_callback_arg(ssl_.get(), &records_);
  ::SSL_set_msg_callback(ssl_.get(), [](int written, int /*version*/, int type, const void* /*bytes*/,
                                        std::size_t /*size*/, SSL* /*ssl*/, void* records) {
    if (written == 0 && type == SSL3_RT_HEADER) ++*static_cast<std::size_t*>(records);
  });
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
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) fail_tls(failure);
}

void Connection::take(std::string_view bytes) {
  if (!missing_) {
    head_ += bytes;
    const std::optional<std::string_view> begin = check_head(head_, order_.body_size);
    if (!begin) return;
    bytes = *begin;
    missing_ = order_.body_size;
  }
  if (bytes.size() > *missing_) throw Failure("more came than the reply");
  *missing_ -= bytes.size();
}

}  // namespace bench
