// Files with secrets: read whole, checked, and wiped from memory after use.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include "net/secret_memory.h"

namespace httpd::net {

/// A file cannot be used; the text names it, says why, and what to do.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file's bytes, in memory for secrets.
class SecretFile {
 public:
  static constexpr std::size_t kMaxSize = 1024 * 1024;

  /// Who may read a file besides its owner.
  enum class Readers : char { kAnybody, kGroup };

  /// Reads a regular file of 1 to kMaxSize bytes. With kGroup, one that others than its owner and its group
  /// may read or write is refused. `parameter` is who asks for the file, and `way_out` what the text says for
  /// those who mean it so; "" for nothing. Throws FileError, std::bad_alloc.
  SecretFile(std::string_view parameter, const std::string& path, Readers readers,
             std::string_view way_out = {});

  [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_.data(), bytes_.size()}; }

 private:
  SecretBytes bytes_;
};

}  // namespace httpd::net
