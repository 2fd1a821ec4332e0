// The Content-Type field (RFC 9110 section 8.3.1) and the media types that the engine tells apart.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace httpd::http {

struct MediaType {
  std::string essence;     ///< "type/subtype" in lower case; "" when absent or malformed
  std::string boundary;    ///< the boundary parameter of a multipart type; "" when it has none
  bool malformed = false;  ///< there is a value, but it is no media type
};

/// Sets `out` to what `value`, a Content-Type field's value, says; its strings' capacity is used again. An
/// empty value counts as absent. False, the same as `out.malformed`, for what the grammar does not allow, and
/// for a multipart type with two boundary parameters or one that is_valid_boundary() refuses.
bool parse_media_type(std::string_view value, MediaType& out);

/// 1 to 70 of the characters that RFC 2046 section 5.1.1 allows, the last one not a space.
[[nodiscard]] bool is_valid_boundary(std::string_view boundary) noexcept;

/// application/json, application/json-rpc, application/jsonrequest, and the suffix +json. The argument of
/// this and of the functions below is MediaType::essence.
[[nodiscard]] bool is_json(std::string_view essence) noexcept;
/// text/xml, application/xml (RFC 7303), and the suffix +xml.
[[nodiscard]] bool is_xml(std::string_view essence) noexcept;
/// Any text type, text/xml among them.
[[nodiscard]] bool is_text(std::string_view essence) noexcept;
/// application/x-www-form-urlencoded.
[[nodiscard]] bool is_urlencoded_form(std::string_view essence) noexcept;
/// multipart/form-data (RFC 7578).
[[nodiscard]] bool is_multipart_form(std::string_view essence) noexcept;

}  // namespace httpd::http
