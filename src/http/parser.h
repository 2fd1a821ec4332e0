// The HTTP/1.1 request parser: bytes to a request head, then to a body. No I/O (RFC 9112).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/method.h>

#include "http/chunk_scanner.h"
#include "http/framing.h"
#include "http/head_scanner.h"
#include "http/limits.h"
#include "http/refusal.h"
#include "http/target.h"

namespace httpd::http {

/// The head of a request. All views lead into the parser and live until its reset().
struct RequestHead {
  std::optional<Method> method;  ///< none when nobody knows it
  std::string_view method_text;
  std::string_view target_text;
  bool http_1_0 = false;  ///< otherwise 1.1, or a later 1.x that is treated as 1.1 (RFC 9110 section 2.5)
  Target target;
  std::vector<FieldLine> fields;
  Framing framing;
};

/// Parses one request after the other.
///
/// The syntax is checked twice, by HeadScanner and ChunkScanner as the bytes come, and by Boost.Beast's
/// parser once the head, or a chunk's line, is whole; what neither looks at is in read_framing(). Only a
/// message that all three agree on passes.
class RequestParser {
 public:
  enum class State : std::uint8_t {
    kMore,      ///< more input is needed
    kComplete,  ///< the head, or the body, is complete
    kRefused,   ///< see refusal()
  };

  /// `limits` must outlive the parser.
  explicit RequestParser(const Limits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Forgets the message; keeps memory for the next one.
  void reset() noexcept;

  /// Reads the head. `input` begins with the message's first byte and holds all that came since; it is not
  /// needed after the call that returns kComplete, which has consumed head_size() bytes of it.
  State parse_head(std::string_view input);
  /// For a head that is refused before it is whole: finds out the method, by which even a refusal has a body
  /// or none (RFC 9110 section 9.3.2). `input` as for parse_head().
  void read_method(std::string_view input) noexcept;
  [[nodiscard]] std::size_t head_size() const noexcept { return scanner_.size(); }
  [[nodiscard]] const RequestHead& head() const noexcept { return head_; }
  /// The bytes of the head, the empty line at its end included, once it is complete; else "". A minor version
  /// above 1 reads as 1. parse_head() of another parser takes them for the same head. Lives until reset().
  [[nodiscard]] std::string_view head_text() const noexcept { return text_; }

  /// Overwrites the values of all field lines with this id by white space, so that they read as empty, here
  /// and in head_text(). Once the head is complete; not for Host, which may lie in the target.
  void erase(FieldId id) noexcept;

  /// Reads the body, after the head, of a message that has one. Decoded bytes are appended to `body`, or only
  /// counted when it is nullptr; more than `limit` of them give `too_large`. `consumed` tells how much of
  /// `input` is done with: the rest has to be given again, with more behind it.
  State parse_body(std::string_view input, std::string* body, std::uint64_t limit, Refusal too_large,
                   std::size_t& consumed);
  /// The number of body bytes so far.
  [[nodiscard]] std::uint64_t body_size() const noexcept { return body_size_; }

  [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }
  /// The request line as far as it came, for log lines about refused messages. `input` as for parse_head().
  [[nodiscard]] std::string_view request_line(std::string_view input) const noexcept;

 private:
  class Syntax;
  [[gnu::cold]] State refuse(Refusal refusal) noexcept;
  void replace_host() noexcept;
  State parse_counted(std::string_view input, std::string* body, std::size_t& consumed);
  State parse_chunked(std::string_view input, std::string* body, std::uint64_t limit, Refusal too_large,
                      std::size_t& consumed);

  HeadScanner scanner_;
  ChunkScanner chunks_;
  std::size_t chunks_seen_ = 0;  // bytes that chunks_ has scanned and nobody has consumed
  std::unique_ptr<Syntax> syntax_;
  std::string text_;  // the head's own copy of its bytes, so that views survive the input buffer
  RequestHead head_;
  std::uint64_t body_size_ = 0;
  Refusal refusal_ = Refusal::kNone;
};

}  // namespace httpd::http
