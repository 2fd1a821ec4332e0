// The reviewed list: where this server serves what a reference parser refuses or reads in another way, and
// why that is right. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace httpd::fuzz {

enum class Reference : unsigned char { kLlhttp, kHttpParser };

/// A difference that somebody has looked at.
struct KnownDifference {
  Reference reference;
  std::string_view error;  ///< what the reference calls its reason; "" where it wants more or reads on
  std::string_view why;    ///< with the clause that we follow
  /// True for the messages that are meant. `before` are the messages before this one; `message` begins with
  /// its first byte and holds all that follows in the input.
  bool (*applies)(std::string_view before, std::string_view message);
};

/// The entry that covers this difference; nullptr when there is none, and it is a fault of ours.
[[nodiscard]] const KnownDifference* find_known_difference(Reference reference, std::string_view error,
                                                           std::string_view before, std::string_view message);

}  // namespace httpd::fuzz
