// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/basic_credentials.h"

#include <algorithm>
#include <nettle/base64.h>

#include "http/characters.h"

namespace httpd::http {
namespace {

constexpr std::string_view kScheme = "Basic";

bool is_control(char byte) noexcept {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
}

std::optional<std::string> decode_base64(std::string_view text) {
  // The library passes over white space, which no base64 text in a field has.
  if (std::ranges::any_of(text, [](char byte) { return is_blank(byte) || is_control(byte); }))
    return std::nullopt;
  base64_decode_ctx context{};
  ::base64_decode_init(&context);
  std::string bytes(BASE64_DECODE_LENGTH(text.size()), '\0');
  std::size_t size = bytes.size();
  if (::base64_decode_update(&context, &size, reinterpret_cast<std::uint8_t*>(bytes.data()), text.size(),
                             text.data()) == 0 ||
      ::base64_decode_final(&context) == 0)
    return std::nullopt;
  bytes.resize(size);
  return bytes;
}

}  // namespace

std::optional<BasicCredentials> parse_basic_credentials(std::string_view value) {
  if (value.size() <= kScheme.size() || !iequals(value.substr(0, kScheme.size()), kScheme) ||
      value[kScheme.size()] != ' ')
    return std::nullopt;
  value.remove_prefix(kScheme.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  const std::optional<std::string> text = decode_base64(value);
  if (!text || std::ranges::any_of(*text, is_control)) return std::nullopt;
  const std::size_t colon = text->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return BasicCredentials{text->substr(0, colon), text->substr(colon + 1)};
}

std::string basic_challenge(std::string_view realm) {
  std::string challenge = "Basic realm=\"";
  for (const char byte : realm) {
    if (byte == '"' || byte == '\\') challenge += '\\';
    challenge += byte;
  }
  return challenge + R"(", charset="UTF-8")";
}

}  // namespace httpd::http
