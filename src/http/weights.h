// The lists with weights of the Accept fields (RFC 9110 sections 5.6.1 and 12.4.2).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string_view>

namespace httpd::http {

/// The value of a q parameter, "0" or "1" with up to three decimals, in thousandths; nothing for what is
/// none.
[[nodiscard]] std::optional<int> parse_weight(std::string_view text) noexcept;

/// Takes the next member out of a list, without the blanks around it; "" where there is nothing between two
/// commas. Quoted strings may hold commas.
[[nodiscard]] std::string_view next_list_member(std::string_view& list) noexcept;

}  // namespace httpd::http
