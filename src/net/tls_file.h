// The files that TLS needs: read whole, checked, and wiped from memory after use.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls_error.h"

namespace httpd::net {

/// A file's bytes, overwritten when they are not needed any more.
class TlsFile {
 public:
  static constexpr std::size_t kMaxSize = 1024 * 1024;

  /// Reads a regular file of 1 to kMaxSize bytes. With `is_private`, one that others than its owner and its
  /// group may read or write is refused. `parameter` is who asks for the file. Throws TlsError.
  TlsFile(std::string_view parameter, const std::string& path, bool is_private);
  ~TlsFile();
  TlsFile(const TlsFile&) = delete;
  TlsFile& operator=(const TlsFile&) = delete;

  [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<char> bytes_;
};

}  // namespace httpd::net
