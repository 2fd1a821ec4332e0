// Ids of requests: what the client, or a proxy before it, has given, or one of our own.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "http/framing.h"

namespace httpd::server {

inline constexpr std::string_view kRequestIdField = "X-Request-Id";

/// True for 1 to 128 characters of letters, digits and "._~+/=@:-": what is kept of a client's, since it
/// stands in logs and header fields of others.
[[nodiscard]] bool is_good_request_id(std::string_view id) noexcept;

/// Makes ids, of 32 hexadecimal digits, that no other process or start of it makes: half of an id is random,
/// the other half a permuted count, so that ids tell nobody how many requests there are.
class RequestIds {
 public:
  /// After the fork of the process that uses it. Throws std::system_error when the kernel has no random
  /// bytes.
  RequestIds();
  /// The first good id among `fields`, else one that is made. Without a system call. The view is valid until
  /// the next call, and as long as `fields`.
  [[nodiscard]] std::string_view choose(std::span<const http::FieldLine> fields) noexcept;

 private:
  std::uint64_t key_ = 0;
  std::uint64_t count_ = 0;
  std::array<char, 32> id_{};
};

}  // namespace httpd::server
