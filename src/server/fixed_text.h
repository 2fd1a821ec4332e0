// A text that needs no memory of its own. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace httpd::server {

/// The first `Size` bytes of a text. Plain bytes, which may be copied as such.
template <std::size_t Size>
struct FixedText {
  std::array<char, Size> bytes;
  std::uint32_t size;
  void assign(std::string_view text) noexcept {
    size = static_cast<std::uint32_t>(text.copy(bytes.data(), Size));
  }
  /// Within the bytes, also of a copy that was torn.
  [[nodiscard]] std::string_view view() const noexcept {
    return {bytes.data(), std::min<std::size_t>(size, Size)};
  }
};

}  // namespace httpd::server
