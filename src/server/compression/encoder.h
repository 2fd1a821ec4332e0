// The content codings: zlib and libzstd in one form. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "http/accept_encoding.h"

namespace httpd::server {

/// Encodes one body after the other. Takes about 270 KB for gzip and 0.7 MB for zstd, and no more while it is
/// used.
class Encoder {
 public:
  enum class Flush : std::uint8_t {
    kNone,  ///< more input follows, and what is to be put out may wait for it
    kSync,  ///< the reader is to get all that came so far
    kEnd    ///< that was all
  };
  struct Progress {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    bool done = false;    ///< all of the input is consumed, and all that `flush` asks for is put out
    bool failed = false;  ///< this body cannot be completed
  };

  Encoder() = default;
  virtual ~Encoder() = default;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  /// Begins a body, of exactly `size` bytes where that is known. False when there is no memory for it.
  [[nodiscard]] virtual bool begin(std::optional<std::uint64_t> size) noexcept = 0;
  /// What an `output` must have room for: with less zlib never comes to the end of a kSync.
  static constexpr std::size_t kLeastRoom = 16;
  /// Encodes `input` to `output`, of kLeastRoom bytes or more, as far as it goes. Where it ends undone it is
  /// to be called again with the rest of the input, room, and the same `flush`.
  [[nodiscard]] virtual Progress encode(std::string_view input, std::span<char> output,
                                        Flush flush) noexcept = 0;
};

/// One for this coding, which is not kIdentity; `level` is 1 (quick) to CompressionSettings::kMaxLevel. Null
/// when there is no memory for it.
[[nodiscard]] std::unique_ptr<Encoder> make_encoder(http::ContentCoding coding, int level) noexcept;

}  // namespace httpd::server
