// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/credentials.h"

#include <algorithm>
#include <nettle/base64.h>

#include "http/characters.h"

namespace httpd::http {
namespace {

constexpr std::string_view kBasic = "Basic";
constexpr std::string_view kBearer = "Bearer";

bool is_control(char byte) noexcept {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
}

bool decode_base64(std::string_view text, std::string& bytes) {
  // The library passes over white space, which no base64 text in a field has.
  if (std::ranges::any_of(text, [](char byte) { return is_blank(byte) || is_control(byte); })) return false;
  base64_decode_ctx context{};
  ::base64_decode_init(&context);
  bytes.resize(BASE64_DECODE_LENGTH(text.size()));
  std::size_t size = bytes.size();
  const bool good = ::base64_decode_update(&context, &size, reinterpret_cast<std::uint8_t*>(bytes.data()),
                                           text.size(), text.data()) != 0 &&
                    ::base64_decode_final(&context) != 0;
  bytes.resize(good ? size : 0);
  return good;
}

/// What follows the scheme; nothing when it is another one.
std::optional<std::string_view> behind_scheme(std::string_view value, std::string_view scheme) noexcept {
  if (value.size() <= scheme.size() || !iequals(value.substr(0, scheme.size()), scheme) ||
      value[scheme.size()] != ' ')
    return std::nullopt;
  value.remove_prefix(scheme.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

std::string challenge(std::string_view scheme, std::string_view realm) {
  std::string text(scheme);
  text += " realm=\"";
  for (const char byte : realm) {
    if (byte == '"' || byte == '\\') text += '\\';
    text += byte;
  }
  return text += '"';
}

}  // namespace

std::optional<BasicCredentials> parse_basic_credentials(std::string_view value, std::string& decoded) {
  const std::optional<std::string_view> text = behind_scheme(value, kBasic);
  if (!text || !decode_base64(*text, decoded) || std::ranges::any_of(decoded, is_control))
    return std::nullopt;
  const std::string_view pair = decoded;
  const std::size_t colon = pair.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return BasicCredentials{pair.substr(0, colon), pair.substr(colon + 1)};
}

bool is_bearer_token(std::string_view text) noexcept {
  while (text.ends_with('='))
    text.remove_suffix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
           std::string_view("-._~+/").find(c) != std::string_view::npos;
  });
}

std::optional<std::string_view> parse_bearer_token(std::string_view value) noexcept {
  const std::optional<std::string_view> token = behind_scheme(value, kBearer);
  return token && is_bearer_token(*token) ? token : std::nullopt;
}

std::string basic_challenge(std::string_view realm) {
  return challenge(kBasic, realm) + R"(, charset="UTF-8")";
}

std::string bearer_challenge(std::string_view realm) {
  return challenge(kBearer, realm);
}

}  // namespace httpd::http
