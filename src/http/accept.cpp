// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/accept.h"

#include <algorithm>
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

void consider(std::string_view type, std::string_view subtype, int weight, std::string_view wanted_type,
              std::string_view wanted_subtype, Quality& best) noexcept {
  int exactness = 0;
  if (type == "*" && subtype == "*") {
    exactness = 1;
  } else if (iequals(type, wanted_type)) {
    exactness = subtype == "*" ? 2 : iequals(subtype, wanted_subtype) ? 3 : 0;
  }
  if (exactness > best.exactness) best = {exactness, weight};
}

}  // namespace

bool prefers_json(std::span<const FieldLine> fields) noexcept {
  Quality json;
  Quality text;
  for (const FieldLine& field : fields) {
    if (!iequals(field.name, "Accept")) continue;
    for (std::string_view list = field.value; !list.empty();) {
      const std::string_view member = next_list_member(list);
      if (member.empty()) continue;
      const std::size_t end = std::min(member.find(';'), member.size());
      const std::string_view range = trim_ows(member.substr(0, end));
      const std::size_t slash = range.find('/');
      if (slash == std::string_view::npos || !is_token(range.substr(0, slash)) ||
          !is_token(range.substr(slash + 1)))
        return false;
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
      const std::string_view type = range.substr(0, slash);
      const std::string_view subtype = range.substr(slash + 1);
      consider(type, subtype, weight, "application", "json", json);
      consider(type, subtype, weight, "text", "plain", text);
    }
  }
  if (json.weight == 0) return false;
  return json.weight > text.weight || (json.weight == text.weight && json.exactness > text.exactness);
}

}  // namespace httpd::http
