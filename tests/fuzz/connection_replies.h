// What a client reads: a connection's output as a sequence of replies, each of which must be sound.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "http/limits.h"

namespace httpd::fuzz {

/// What a client may expect for what it has sent.
struct Expectation {
  std::vector<bool> heads;  ///< for each request whose head is whole: whether it is a HEAD request
  bool first_is_whole = false;
};

/// Reads `input` as the engine's own parser does, but for the limits of bodies, which it does not keep.
[[nodiscard]] Expectation expect_replies(std::string_view input, const http::Limits& limits);

struct PlainReply {
  int status = 0;
  std::string fields;  ///< one to a line, without Date
  std::string body;    ///< decoded
  bool closes = false;
  bool operator==(const PlainReply&) const = default;
};

/// How a connection stood when its output had all been read.
struct Ending {
  bool ended = false;  ///< the server has finished sending
  bool cut = false;  ///< by a reset, or while a reply was still to come: the last reply may be a part of one
};

/// Reads all of `output`, and requires that it is what RFC 9112 lets a server send in reply to such requests.
/// Interim replies are checked and left out.
[[nodiscard]] std::vector<PlainReply> read_replies(std::string_view output, const Expectation& expectation,
                                                   const Ending& ending);

}  // namespace httpd::fuzz
