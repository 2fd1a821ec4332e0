// Where something stands in a configuration file, and how errors about it read.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace httpd::daemon {

/// A place in a configuration file.
struct SourcePosition {
  std::string file;
  int line = 1;    ///< from 1
  int column = 1;  ///< in bytes, from 1
  /// "file:line:column".
  [[nodiscard]] std::string text() const;
};

/// Throws httpd::ConfigError "file:line:column: MESSAGE".
[[noreturn]] void fail_at(const SourcePosition& where, std::string_view message);

/// `text` made fit for one line of a log: control characters and bytes above 0x7e as escapes, cut after 60
/// bytes.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace httpd::daemon
