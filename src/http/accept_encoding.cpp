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

struct Member {
  std::string_view coding;
  int weight = 1000;
};

/// Nothing for what the grammar does not allow.
std::optional<Member> read_member(std::string_view text) noexcept {
  const std::size_t end = std::min(text.find(';'), text.size());
  Member member{trim_ows(text.substr(0, end))};
  if (!is_token(member.coding)) return std::nullopt;
  ParameterScanner parameters(text.substr(end));
  ParameterScanner::Step step = parameters.next();
  for (; step == ParameterScanner::Step::kParameter; step = parameters.next()) {
    if (!iequals(parameters.name(), "q")) continue;
    const std::optional<int> given = parse_weight(parameters.raw_value());
    if (!given) return std::nullopt;
    member.weight = *given;
  }
  if (step == ParameterScanner::Step::kMalformed) return std::nullopt;
  return member;
}

/// Calls `take` with each member of the Accept-Encoding fields. False for what cannot be read.
template <typename Take>
bool read_members(std::span<const FieldLine> fields, Take take) noexcept {
  for (const FieldLine& field : fields) {
    if (!iequals(field.name, "Accept-Encoding")) continue;
    for (std::string_view list = field.value; !list.empty();) {
      const std::string_view text = next_list_member(list);
      if (text.empty()) continue;
      const std::optional<Member> member = read_member(text);
      if (!member) return false;
      take(*member);
    }
  }
  return true;
}

/// What is named twice has the lower weight.
void lower(std::optional<int>& known, int weight) noexcept {
  known = std::min(weight, known.value_or(weight));
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
  const bool good = read_members(fields, [&weights](const Member& member) {
    if (std::optional<int>* const known = weights.of(member.coding)) lower(*known, member.weight);
  });
  if (!good) return ContentCoding::kIdentity;
  const int zstd = weights.zstd.value_or(0);
  const int gzip = weights.gzip.value_or(weights.any.value_or(0));
  const int best = std::max(zstd, gzip);
  if (best == 0 || weights.identity.value_or(0) > best) return ContentCoding::kIdentity;
  return zstd == best ? ContentCoding::kZstd : ContentCoding::kGzip;
}

bool accepts_coding(std::span<const FieldLine> fields, std::string_view coding) noexcept {
  std::optional<int> named;
  std::optional<int> any;
  const bool good = read_members(fields, [&](const Member& member) {
    if (iequals(member.coding, coding)) {
      lower(named, member.weight);
    } else if (member.coding == "*") {
      lower(any, member.weight);
    }
  });
  return good && named.value_or(any.value_or(0)) > 0;
}

}  // namespace httpd::http
