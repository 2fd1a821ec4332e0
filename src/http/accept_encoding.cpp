// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/accept_encoding.h"

#include <algorithm>
#include <optional>

#include "http/characters.h"
#include "http/parameters.h"
#include "http/weights.h"

namespace httpd::http {
namespace {

/// What the field says of each coding, in thousandths; nothing where it does not name it.
struct Weights {
  std::optional<int> gzip;
  std::optional<int> zstd;
  std::optional<int> identity;
  std::optional<int> any;

  [[nodiscard]] std::optional<int>* of(std::string_view coding) noexcept {
    if (iequals(coding, "gzip") || iequals(coding, "x-gzip")) return &gzip;
    if (iequals(coding, "zstd")) return &zstd;
    if (iequals(coding, "identity")) return &identity;
    return coding == "*" ? &any : nullptr;
  }
};

/// False for what the grammar does not allow.
bool read_member(std::string_view member, Weights& weights) noexcept {
  const std::size_t end = std::min(member.find(';'), member.size());
  const std::string_view coding = trim_ows(member.substr(0, end));
  if (!is_token(coding)) return false;
  int weight = 1000;
  ParameterScanner parameters(member.substr(end));
  ParameterScanner::Step step = parameters.next();
  for (; step == ParameterScanner::Step::kParameter; step = parameters.next()) {
    if (!iequals(parameters.name(), "q")) continue;
    const std::optional<int> given = parse_weight(parameters.raw_value());
    if (!given) return false;
    weight = *given;
  }
  if (step == ParameterScanner::Step::kMalformed) return false;
  if (std::optional<int>* const known = weights.of(coding))
    *known = std::min(weight, known->value_or(weight));
  return true;
}

}  // namespace

std::string_view coding_name(ContentCoding coding) noexcept {
  switch (coding) {
    case ContentCoding::kGzip:
      return "gzip";
    case ContentCoding::kZstd:
      return "zstd";
    case ContentCoding::kIdentity:
      break;
  }
  return "identity";
}

ContentCoding choose_coding(std::span<const FieldLine> fields) noexcept {
  Weights weights;
  for (const FieldLine& field : fields) {
    if (!iequals(field.name, "Accept-Encoding")) continue;
    for (std::string_view list = field.value; !list.empty();) {
      const std::string_view member = next_list_member(list);
      if (!member.empty() && !read_member(member, weights)) return ContentCoding::kIdentity;
    }
  }
  const int zstd = weights.zstd.value_or(0);
  const int gzip = weights.gzip.value_or(weights.any.value_or(0));
  const int best = std::max(zstd, gzip);
  if (best == 0 || weights.identity.value_or(0) > best) return ContentCoding::kIdentity;
  return zstd == best ? ContentCoding::kZstd : ContentCoding::kGzip;
}

}  // namespace httpd::http
