// Conditional requests: what If-Match and its relatives make of a request (RFC 9110 section 13).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <string_view>

#include "http/framing.h"

namespace httpd::http {

/// What tells one version of a representation from another (RFC 9110 section 8.8).
struct Validators {
  std::string_view entity_tag;               ///< with its quotes, perhaps with W/ before them; "" for none
  std::optional<std::time_t> last_modified;  ///< not later than `now`
  std::time_t now = 0;                       ///< the reply's Date
};

enum class Condition : std::uint8_t {
  kHolds,               ///< perform the method
  kNotModified,         ///< 304
  kPreconditionFailed,  ///< 412
};

/// Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of RFC 9110
/// section 13.2.2, for a representation that exists. `is_get` stands for GET and HEAD. A date that is none,
/// or stands twice, is ignored (sections 13.1.3 and 13.1.4); what is no entity tag in a list matches nothing.
[[nodiscard]] Condition evaluate_conditions(std::span<const FieldLine> fields, bool is_get,
                                            const Validators& validators) noexcept;

/// Whether If-None-Match names the strong tag `tag` by its weak form, and not by itself.
[[nodiscard]] bool is_named_weakly_alone(std::span<const FieldLine> fields, std::string_view tag) noexcept;

/// Whether a Range field is to be looked at: true without an If-Range, and where it names this version (RFC
/// 9110 section 13.1.5). A date does when it equals Last-Modified and that is at least a second old: only
/// then the file can no longer change within the same second.
[[nodiscard]] bool if_range_holds(std::span<const FieldLine> fields, const Validators& validators) noexcept;

/// The value of the one line with this name (any case); nothing when there is none, or more than one.
[[nodiscard]] std::optional<std::string_view> single_field(std::span<const FieldLine> fields,
                                                           std::string_view name) noexcept;

}  // namespace httpd::http
