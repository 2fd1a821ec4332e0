// SPDX-License-Identifier: GPL-2.0-or-later
#include "known_differences.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "message_reader.h"

namespace httpd::fuzz {
namespace {

/// The first field with this name, its line as it came but for name and colon; "" where there is none.
std::string_view raw_value(std::string_view message, std::string_view name) {
  while (!message.empty()) {
    const std::string_view line = message.substr(0, message.find("\r\n"));
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && same_name(line.substr(0, colon), name))
      return line.substr(colon + 1);
    if (line.empty() || line.size() == message.size()) break;
    message.remove_prefix(line.size() + 2);
  }
  return {};
}

/// What stands behind the sizes in the lines of the chunks, as far as they can be read.
std::string chunk_extensions(std::string_view message) {
  std::string extensions;
  const std::optional<PlainHead> head = read_head(message);
  if (!head || head->count("Transfer-Encoding") == 0) return extensions;
  message.remove_prefix(head->size);
  for (;;) {
    const std::string_view line = message.substr(0, message.find("\r\n"));
    const std::size_t digits = std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
    const std::optional<unsigned long long> size = read_number(line.substr(0, digits), 16);
    if (!size || line.size() == message.size()) return extensions;
    extensions += line.substr(digits);
    message.remove_prefix(line.size() + 2);
    if (*size == 0 || *size + 2 > message.size()) return extensions;
    message.remove_prefix(*size + 2);
  }
}

bool later_minor_version(std::string_view /*before*/, std::string_view message) {
  const std::string_view line = message.substr(0, message.find("\r\n"));
  return line.size() > 8 && line.substr(line.size() - 8, 7) == "HTTP/1." && line.back() > '1';
}

bool tab_beside_length(std::string_view /*before*/, std::string_view message) {
  return raw_value(message, "Content-Length").find('\t') != std::string_view::npos;
}

bool tab_beside_coding(std::string_view /*before*/, std::string_view message) {
  return raw_value(message, "Transfer-Encoding").find('\t') != std::string_view::npos;
}

bool quotes_or_blanks_in_extension(std::string_view /*before*/, std::string_view message) {
  return chunk_extensions(message).find_first_of("\" \t") != std::string::npos;
}

bool name_begins_like_transfer_encoding(std::string_view /*before*/, std::string_view message) {
  constexpr std::string_view kName = "Transfer-Encoding";
  const std::optional<PlainHead> head = read_head(message);
  return head && std::ranges::any_of(head->fields, [&](const auto& field) {
           return field.first.size() > kName.size() && same_name(field.first.substr(0, kName.size()), kName);
         });
}

bool after_proxy_connection(std::string_view before, std::string_view /*message*/) {
  while (!before.empty()) {
    if (!raw_value(before, "Proxy-Connection").empty()) return true;
    const std::size_t end = before.find("\r\n");
    before.remove_prefix(end == std::string_view::npos ? before.size() : end + 2);
  }
  return false;
}

constexpr std::string_view kTab = "RFC 9110 section 5.6.3: tabs are white space like blanks";
constexpr std::string_view kLongerName =
    "a longer name is another field: http_parser looks no further than at its first 17 letters";
constexpr std::string_view kExtension =
    "RFC 9112 section 7.1.1: values in quotes, and white space around ';' and '='; both only refuse them";
constexpr std::string_view kProxyConnection =
    "RFC 9112 appendix C.2.2: Proxy-Connection says nothing to a server, so the connection goes on";

constexpr std::array kKnown{
    KnownDifference{Reference::kLlhttp, "HPE_INVALID_VERSION",
                    "RFC 9110 section 2.5: a later minor version is read as the highest that is known",
                    later_minor_version},
    KnownDifference{Reference::kLlhttp, "HPE_INVALID_TRANSFER_ENCODING", kTab, tab_beside_coding},
    KnownDifference{Reference::kHttpParser, "HPE_INVALID_TRANSFER_ENCODING", kTab, tab_beside_coding},
    KnownDifference{Reference::kLlhttp, "HPE_INVALID_CONTENT_LENGTH", kTab, tab_beside_length},
    KnownDifference{Reference::kHttpParser, "HPE_INVALID_CONTENT_LENGTH", kTab, tab_beside_length},
    KnownDifference{Reference::kHttpParser, "HPE_INVALID_TRANSFER_ENCODING", kLongerName,
                    name_begins_like_transfer_encoding},
    KnownDifference{Reference::kHttpParser, "HPE_UNEXPECTED_CONTENT_LENGTH", kLongerName,
                    name_begins_like_transfer_encoding},
    KnownDifference{Reference::kLlhttp, "HPE_INVALID_CHUNK_SIZE", kExtension, quotes_or_blanks_in_extension},
    KnownDifference{Reference::kLlhttp, "HPE_STRICT", kExtension, quotes_or_blanks_in_extension},
    KnownDifference{Reference::kLlhttp, "", kProxyConnection, after_proxy_connection},
    KnownDifference{Reference::kLlhttp, "HPE_CLOSED_CONNECTION", kProxyConnection, after_proxy_connection},
    KnownDifference{Reference::kHttpParser, "HPE_CLOSED_CONNECTION", kProxyConnection,
                    after_proxy_connection},
};

}  // namespace

const KnownDifference* find_known_difference(Reference reference, std::string_view error,
                                             std::string_view before, std::string_view message) {
  const auto* const found = std::ranges::find_if(kKnown, [&](const KnownDifference& known) {
    return known.reference == reference && known.error == error && known.applies(before, message);
  });
  return found == kKnown.end() ? nullptr : found;
}

}  // namespace httpd::fuzz
