// Cuts the bytes that arrive in the FIFO into requests of the form ":reply_fifo:json".
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/mi_fifo/json_scanner.h"

namespace httpd::mi_fifo {

/// The longest JSON text of a request, in bytes.
inline constexpr std::size_t kMaxRequestSize = 64UL * 1024;
/// The longest name of a reply FIFO, in bytes.
inline constexpr std::size_t kMaxReplyName = 255;

/// Reads requests from a stream of bytes: several may come at once, and one in any number of pieces. White
/// space may stand between them. Writers do not know of each other, so what one of them spoils ends soon: a
/// JSON text longer than kMaxRequestSize is skipped without being kept, and whatever does not begin with ':'
/// is dropped to the end of its line, or of the piece that it came in.
class RequestReader {
 public:
  enum class Kind : std::uint8_t {
    kRequest,     ///< a whole one; `text` may be anything up to its end, see JsonScanner
    kNoRequest,   ///< text that does not have the form of a request was dropped
    kTooLong,     ///< a text longer than kMaxRequestSize has ended: its writer has time for a reply now
    kIncomplete,  ///< the rest of a request did not come
  };
  struct Item {
    Kind kind = Kind::kNoRequest;
    std::string reply_name;  ///< "" where none was given, or none is known; no control characters
    std::string text;        ///< for kRequest alone
  };

  /// Takes the next bytes and returns what they completed, in order. Takes time proportional to their number.
  [[nodiscard]] std::vector<Item> add(std::string_view bytes);
  /// True while the rest of a request is awaited.
  [[nodiscard]] bool incomplete() const noexcept { return state_ != State::kBetween; }
  /// Gives up the request whose rest does not come; nothing is returned when there is none.
  [[nodiscard]] std::optional<Item> expire();

 private:
  enum class State : std::uint8_t { kBetween, kName, kText, kSkippedText };

  /// Each takes from the front of `bytes`, and returns what is left.
  std::string_view take_between(std::string_view bytes, std::vector<Item>& items);
  std::string_view take_name(std::string_view bytes, std::vector<Item>& items);
  std::string_view take_text(std::string_view bytes, std::vector<Item>& items);
  std::string_view drop_line(std::string_view bytes, std::vector<Item>& items);
  /// Hands out what was collected, the text only with a whole request.
  Item give(Kind kind) noexcept;
  void reset() noexcept;

  State state_ = State::kBetween;
  std::string name_;
  std::string text_;
  JsonScanner scanner_;
};

}  // namespace httpd::mi_fifo
