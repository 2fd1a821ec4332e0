// Which replies are compressed, and the short ones themselves. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "http/accept_encoding.h"
#include "net/event_loop.h"
#include "server/compression/compression_settings.h"
#include "server/compression/encoder.h"
#include "server/compression/stream_turns.h"
#include "server/exchange.h"
#include "server/router.h"
#include "server/statistics.h"

namespace httpd::server {

/// One for each server. Nothing is compressed but replies of roots that consent: who can have text of his own
/// put beside a secret, and sees how long the reply becomes, can find the secret out (BREACH, CVE-2013-3587).
class Compression {
 public:
  /// All must outlive it; `router` must not change any more.
  Compression(const CompressionSettings& settings, const Router& router, net::EventLoop& loop,
              Statistics& statistics);

  /// Which roots consent, in the router's order, by their handlers or by the settings; empty where none does,
  /// or nothing is to be compressed. Throws std::bad_alloc.
  [[nodiscard]] static std::vector<bool> consents(const CompressionSettings& settings, const Router& router);
  /// The settings have changed, and this is what consents() says of them. `consents` gets the old ones.
  void change(std::vector<bool>& consents) noexcept;

  /// Whether replies of this root may be compressed. `route`: null for none.
  [[nodiscard]] bool concerns(const Route* route) const noexcept {
    return !consents_.empty() && route != nullptr && consents_[route->index];
  }

  enum class Length : bool {
    kKnown,   ///< from the body, as ever
    kUnknown  ///< that of a body that was not made, for HEAD
  };
  /// Looks at the reply of a root that concerns(), and changes its body and header lines where it is to be
  /// compressed. What is short is so at once, and the body leads into memory that the next call uses again;
  /// what is long, or a stream, becomes a stream. For HEAD no body is made.
  Length treat(Exchange& exchange);

 private:
  [[nodiscard]] bool may_be_coded(Exchange& exchange, std::optional<std::uint64_t> size) const;
  void compress_at_once(Exchange& exchange, http::ContentCoding coding);
  void compress_as_stream(Exchange& exchange, http::ContentCoding coding, std::optional<std::uint64_t> size);
  [[nodiscard]] Encoder* encoder(http::ContentCoding coding) noexcept;

  const CompressionSettings& settings_;
  net::EventLoop& loop_;
  Statistics& statistics_;
  std::vector<bool> consents_;  // in the router's order; empty when nobody does
  StreamTurns turns_;
  std::unique_ptr<Encoder> gzip_;  // for what is short
  std::unique_ptr<Encoder> zstd_;
  std::vector<char> room_;  // for a short body of a file, and for what it becomes
};

}  // namespace httpd::server
