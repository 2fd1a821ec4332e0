// A long body, or one of unknown length, that is compressed as the client takes it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <httpd/file_body.h>
#include <httpd/reply.h>

#include "server/compression/encoder.h"
#include "server/compression/stream_turns.h"

namespace httpd::server {

/// Reads the original body piece by piece, each in a turn of the loop of its own, for a millisecond or 64 KiB
/// at most; holds none of it but where a handler's stream has given more than there was room for.
///
/// A handler's stream sees no difference: it is asked when there is room, woken streams wake this one, and
/// where it has nothing for now all that it has given is flushed to the client.
class CompressedBody final : public BodySource,
                             private BodySource::Waker,
                             private LentBytes::Borrower,
                             private StreamTurns::Waiting {
 public:
  using Original = std::variant<std::string, LentBytes, FileBody, std::unique_ptr<BodySource>>;

  /// `encoder` has begun with the body that take() gives. `turns` must outlive this.
  CompressedBody(StreamTurns& turns, std::unique_ptr<Encoder> encoder) noexcept;
  CompressedBody(const CompressedBody&) = delete;
  CompressedBody& operator=(const CompressedBody&) = delete;
  ~CompressedBody() override;
  /// Once, before the first read().
  void take(Original original) noexcept;

  /// `size` is Encoder::kLeastRoom or more. kBroken where the original is, where a file is shorter than it
  /// was, and where the encoder fails.
  std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) override;

 private:
  void on_wake() noexcept override;
  void on_turn() noexcept override;
  // NOLINTNEXTLINE(bugprone-exception-escape): giving a variant a file does not throw
  void give_back() noexcept override;
  std::ptrdiff_t fill(std::span<char> output);
  std::ptrdiff_t fetch();
  std::ptrdiff_t ask(BodySource& source);
  void put_back();

  StreamTurns& turns_;
  const StreamTurns::Place place_;
  std::unique_ptr<Encoder> encoder_;
  Original original_;
  std::uint64_t taken_ = 0;              // bytes of the original
  std::string stash_;                    // what a stream gave and there was no room for
  std::string_view input_;               // what is to be encoded next, while read() runs
  std::ptrdiff_t last_word_ = 0;         // kEnd or kBroken, once the original has said so
  std::optional<std::ptrdiff_t> pause_;  // kLater or kWait, to be passed on after what was flushed for it
  Encoder::Flush flush_ = Encoder::Flush::kNone;  // what is being done until it is done
  bool unflushed_ = false;                        // the encoder holds something back
  bool woken_ = false;                            // by the original, since it was last asked
  bool has_turn_ = true;  // the first piece waits for nobody: a stream that fails at once is a 500
  bool ended_ = false;
};

}  // namespace httpd::server
