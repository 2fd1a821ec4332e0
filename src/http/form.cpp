// Parsing of urlencoded forms and queries.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/form.h"

#include <algorithm>

namespace httpd::http {
namespace {

Refusal parse_pair(std::string_view piece, std::size_t max_pair, Arguments& out) {
  const std::size_t equals = std::min(piece.find('='), piece.size());
  const std::string_view name = piece.substr(0, equals);
  const std::string_view value = piece.substr(std::min(equals + 1, piece.size()));
  if (name.empty() || !out.add_encoded(name, value)) return Refusal::kMalformedForm;
  const Arguments::Pair pair = out.at(out.size() - 1);
  if (max_pair != 0 && pair.first.size() + pair.second.size() > max_pair) return Refusal::kFormFieldTooLarge;
  return Refusal::kNone;
}

}  // namespace

Refusal parse_urlencoded(std::string_view text, const FormLimits& limits, Arguments& out) {
  std::size_t fields = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    if (end != 0) {
      if (limits.max_fields != 0 && ++fields > limits.max_fields) return limits.too_many;
      const Refusal refusal = parse_pair(text.substr(0, end), limits.max_pair, out);
      if (refusal != Refusal::kNone) return refusal;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return Refusal::kNone;
}

}  // namespace httpd::http
