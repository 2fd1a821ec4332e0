// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/accept.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "http/characters.h"
#include "http/parameters.h"
#include "http/weights.h"

namespace httpd::http {
namespace {

/// How well a media range fits a type, and what it gives it.
struct Quality {
  int exactness = 0;  // 1: */*, 2: type/*, 3: type/subtype; 0: nothing fits
  int weight = 0;     // thousandths
};

/// A media range of an Accept field.
struct Range {
  std::string_view type;
  std::string_view subtype;
  std::string_view parameters;  // from the first ';'
  int weight = 1000;
};

/// Nothing for what is no media range.
std::optional<Range> parse_range(std::string_view member) noexcept {
  const std::size_t end = std::min(member.find(';'), member.size());
  const std::string_view name = trim_ows(member.substr(0, end));
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos || !is_token(name.substr(0, slash)) ||
      !is_token(name.substr(slash + 1)))
    return std::nullopt;
  Range range{name.substr(0, slash), name.substr(slash + 1), member.substr(end)};
  ParameterScanner parameters(range.parameters);
  ParameterScanner::Step step = parameters.next();
  for (; step == ParameterScanner::Step::kParameter; step = parameters.next()) {
    if (!iequals(parameters.name(), "q")) continue;
    const std::optional<int> weight = parse_weight(parameters.raw_value());
    if (!weight) return std::nullopt;
    range.weight = *weight;
  }
  if (step == ParameterScanner::Step::kMalformed) return std::nullopt;
  return range;
}

/// Whether a type with the parameters `offered` has another value for the parameter `name`.
bool differs(std::string_view name, std::string_view raw_value, std::string_view offered) noexcept {
  ParameterScanner parameters(offered);
  while (parameters.next() == ParameterScanner::Step::kParameter)
    if (iequals(parameters.name(), name)) return parameters.raw_value() != raw_value;
  return false;
}

/// How exactly the range fits the type; 0 when it does not.
int fit(const Range& range, std::string_view offered) noexcept {
  const std::size_t end = std::min(offered.find(';'), offered.size());
  const std::string_view name = offered.substr(0, end);
  const std::size_t slash = std::min(name.find('/'), name.size());
  int exactness = 0;
  if (range.type == "*" && range.subtype == "*") {
    exactness = 1;
  } else if (iequals(range.type, name.substr(0, slash))) {
    exactness = range.subtype == "*" ? 2 : iequals(range.subtype, name.substr(slash + 1)) ? 3 : 0;
  }
  if (exactness == 0) return 0;
  ParameterScanner parameters(range.parameters);
  while (parameters.next() == ParameterScanner::Step::kParameter) {
    if (iequals(parameters.name(), "q")) break;  // what follows is about the range itself
    if (differs(parameters.name(), parameters.raw_value(), offered.substr(end))) return 0;
  }
  return exactness;
}

/// What the Accept fields give this type. Nothing where one of them cannot be read.
std::optional<Quality> quality_of(std::string_view offered, std::span<const FieldLine> fields) noexcept {
  Quality best;
  bool asked = false;
  for (const FieldLine& field : fields) {
    if (!iequals(field.name, "Accept")) continue;
    asked = true;
    for (std::string_view list = field.value; !list.empty();) {
      const std::string_view member = next_list_member(list);
      if (member.empty()) continue;
      const std::optional<Range> range = parse_range(member);
      if (!range) return std::nullopt;
      const int exactness = fit(*range, offered);
      if (exactness > best.exactness) best = {exactness, range->weight};
    }
  }
  return asked ? std::optional<Quality>(best) : std::nullopt;
}

}  // namespace

std::size_t preferred_type(std::span<const FieldLine> fields,
                           std::span<const std::string_view> offered) noexcept {
  std::size_t preferred = offered.size();
  Quality best;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    const std::optional<Quality> quality = quality_of(offered[i], fields);
    if (!quality) return 0;
    if (quality->weight == 0) continue;
    if (quality->weight > best.weight ||
        (quality->weight == best.weight && quality->exactness > best.exactness)) {
      best = *quality;
      preferred = i;
    }
  }
  return preferred;
}

bool prefers_json(std::span<const FieldLine> fields) noexcept {
  static constexpr std::array<std::string_view, 2> kTypes{"text/plain", "application/json"};
  return preferred_type(fields, kTypes) == 1;
}

}  // namespace httpd::http
