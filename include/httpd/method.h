// The request methods that the engine knows (RFC 9110 section 9, RFC 5789), and sets of them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace httpd {

/// A method named by RFC 9110 section 9.3 or RFC 5789. Any other method is answered with 501 by the engine.
enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kDelete, kConnect, kOptions, kTrace, kPatch };

namespace detail {
inline constexpr std::string_view kMethodNames[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                    "CONNECT", "OPTIONS", "TRACE", "PATCH"};
}  // namespace detail

/// The method's name as it stands in a request line, e.g. "GET". Static storage, NUL-terminated.
constexpr std::string_view method_name(Method method) noexcept {
  return detail::kMethodNames[static_cast<std::uint8_t>(method)];
}

/// A set of methods; what a Handler takes.
class MethodSet {
 public:
  constexpr MethodSet() noexcept = default;
  constexpr MethodSet(std::initializer_list<Method> methods) noexcept {
    for (const Method method : methods)
      add(method);
  }
  constexpr void add(Method method) noexcept { bits_ |= bit(method); }
  constexpr void remove(Method method) noexcept { bits_ &= ~bit(method); }
  [[nodiscard]] constexpr bool has(Method method) const noexcept { return (bits_ & bit(method)) != 0; }

 private:
  static constexpr unsigned bit(Method method) noexcept { return 1U << static_cast<unsigned>(method); }
  unsigned bits_ = 0;
};

}  // namespace httpd
