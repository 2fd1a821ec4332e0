// The parameters that follow a value, as in Content-Type and Content-Disposition (RFC 9110 section 5.6.6).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace httpd::http {

/// Walks over *( OWS ";" OWS [ name "=" ( token / quoted-string ) ] ) without allocating.
class ParameterScanner {
 public:
  enum class Step : std::uint8_t { kParameter, kEnd, kMalformed };
  /// `text` begins at the first ';' (or is empty) and must live as long as the scanner and its views.
  explicit ParameterScanner(std::string_view text) noexcept : rest_(text) {}
  /// Goes to the next parameter. Not to be called again after kEnd or kMalformed.
  [[nodiscard]] Step next() noexcept;
  /// The name of the current parameter, in the case that it came in.
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  /// The value of the current parameter as it came, without quotes, but with its backslash escapes.
  [[nodiscard]] std::string_view raw_value() const noexcept { return value_; }
  /// Sets `out` to the value of the current parameter, its quotes and backslash escapes removed.
  void copy_value(std::string& out) const;

 private:
  [[nodiscard]] bool scan_quoted_string() noexcept;
  std::string_view rest_;
  std::string_view name_;
  std::string_view value_;  ///< without quotes, but escapes still in it
};

}  // namespace httpd::http
