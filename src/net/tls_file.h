// The files that TLS needs. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/secret_file.h"
#include "net/tls_error.h"

namespace httpd::net {

/// A file's bytes, overwritten when they are not needed any more.
class TlsFile {
 public:
  static constexpr std::size_t kMaxSize = SecretFile::kMaxSize;

  /// Reads a regular file of 1 to kMaxSize bytes. With `is_private`, one that others than its owner and its
  /// group may read or write is refused. `parameter` is who asks for the file. Throws TlsError.
  TlsFile(std::string_view parameter, const std::string& path, bool is_private)
      : file_(read(parameter, path, is_private)) {}

  [[nodiscard]] std::string_view bytes() const noexcept { return file_.bytes(); }

 private:
  static SecretFile read(std::string_view parameter, const std::string& path, bool is_private);
  SecretFile file_;
};

}  // namespace httpd::net
