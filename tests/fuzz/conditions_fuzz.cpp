// Fuzz target: conditions, ranges and dates. Each line of the input is a header field; a value is also read
// by itself. SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>
#include <vector>

#include "http/characters.h"
#include "http/conditions.h"
#include "http/date.h"
#include "http/ranges.h"
#include "require.h"

namespace {

using httpd::fuzz::require;
using namespace httpd::http;

constexpr std::time_t kNow = 1'700'000'000;

/// The parts lie inside, apart from each other, and are together no longer than the whole.
void check_ranges(std::string_view value, std::uint64_t size) {
  const RangeRequest request = read_ranges(value, size);
  require((request.kind == RangeRequest::Kind::kParts) == !request.parts.empty());
  require(request.parts.size() <= kMaxRanges);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < request.parts.size(); ++i) {
    const ByteRange& part = request.parts[i];
    require(part.size > 0 && part.first < size && part.size <= size - part.first);
    total += part.size;
    for (std::size_t j = 0; j < i; ++j) {
      const ByteRange& other = request.parts[j];
      require(part.first + part.size < other.first || other.first + other.size < part.first);
    }
  }
  require(total <= size);
}

void check_date(std::string_view value) {
  const std::optional<std::time_t> time = parse_http_date(value, kNow);
  if (!time || *time < 0 || *time > 253'402'300'799) return;
  std::array<char, kImfFixdateSize> text;
  format_imf_fixdate(*time, text.data());
  require(parse_http_date({text.data(), text.size()}, kNow) == time);
}

void check_conditions(const std::vector<FieldLine>& fields) {
  for (const std::string_view tag : {"\"a\"", "W/\"a\"", ""}) {
    const Validators validators{tag, 784111777, kNow};
    const Condition get = evaluate_conditions(fields, true, validators);
    const Condition other = evaluate_conditions(fields, false, validators);
    require(other != Condition::kNotModified);
    require(get != Condition::kPreconditionFailed || other == Condition::kPreconditionFailed);
    require(get != Condition::kHolds || other == Condition::kHolds);
    if (tag != "\"a\"" && if_range_holds(fields, validators)) {
      // Only a date can hold here, or no field at all.
      const std::optional<std::string_view> value = single_field(fields, "If-Range");
      require(!value || parse_http_date(*value, kNow) == validators.last_modified);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<FieldLine> fields;
  while (!input.empty()) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view value = trim_ows(line.substr(colon + 1));
    fields.push_back({FieldId::kOther, line.substr(0, colon), value});
    for (const std::uint64_t length :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX / 2})
      check_ranges(value, length);
    check_date(value);
  }
  check_conditions(fields);
  return 0;
}
