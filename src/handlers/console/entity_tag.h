// Which version of an asset a browser has, and whether that is still the right one.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace httpd::console {

/// A strong entity tag (RFC 9110 section 8.8.3) for these bytes, with its quotes.
[[nodiscard]] std::string entity_tag(std::string_view bytes);

/// Whether a value of If-None-Match (RFC 9110 section 13.1.2) names `tag`: then the client has it already.
/// Weak tags count as strong ones do. What is no list is read up to the fault.
[[nodiscard]] bool names_entity_tag(std::string_view if_none_match, std::string_view tag) noexcept;

}  // namespace httpd::console
