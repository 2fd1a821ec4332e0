// Reads the text of a JSON-RPC request, or of a batch of them, into a document: within limits, numbers of ids
// exact. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

namespace httpd::daemon {

/// The deepest nesting of arrays and objects; a text with more is not well-formed for us.
inline constexpr std::size_t kMaxJsonDepth = 64;
/// The most members in one object. Looking one up in an ordered object takes time proportional to their
/// number.
inline constexpr std::size_t kMaxJsonMembers = 256;
/// The most requests in a batch.
inline constexpr std::size_t kMaxBatchSize = 100;

enum class JsonProblem {
  kNone,
  kSyntax,    ///< no JSON text (RFC 8259), no UTF-8, or nested deeper than kMaxJsonDepth
  kTooLarge,  ///< more than kMaxJsonMembers in an object, or kMaxBatchSize in a batch
};

// NOLINTNEXTLINE(bugprone-exception-escape): a null document allocates nothing
struct JsonDocument {
  JsonProblem problem = JsonProblem::kNone;
  nlohmann::ordered_json value;  ///< null when there is a problem
};

/// Reads `text`, in time proportional to its length. Where a name stands twice in an object the last one
/// wins. The member "id" of a request (the document itself, or an item of it when it is an array) that is a
/// number with a fraction or an exponent, or of more than 64 bits, becomes a binary value: the bytes of its
/// text, to be given back as they came. Throws std::bad_alloc only.
[[nodiscard]] JsonDocument read_json(std::string_view text);

}  // namespace httpd::daemon
