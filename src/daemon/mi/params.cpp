// Conversions of MI parameters.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/params.h"

#include <charconv>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/mi/jsonrpc.h"

namespace httpd::daemon {
namespace {

MiError invalid(std::string detail) {
  return {kJsonRpcInvalidParams, "Invalid params", std::move(detail)};
}

MiError bad_type(const char* name) {
  return invalid(fmt::format("Bad type for parameter '{}'", name));
}

std::optional<std::string> as_text(const MiParams& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  return std::nullopt;
}

}  // namespace

int int_param(const MiParams& params, const char* name) {
  const std::optional<std::string> text = as_text(params.at(name));
  if (!text) throw bad_type(name);
  std::string_view digits = *text;
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) throw bad_type(name);
  return number;
}

std::string string_param(const MiParams& params, const char* name) {
  std::optional<std::string> text = as_text(params.at(name));
  if (!text) throw bad_type(name);
  return *std::move(text);
}

std::vector<std::string> string_array_param(const MiParams& params, const char* name) {
  const MiParams& array = params.at(name);
  if (!array.is_array()) throw bad_type(name);
  if (array.empty()) throw invalid(fmt::format("Empty array in parameter '{}'", name));
  std::vector<std::string> texts;
  texts.reserve(array.size());
  for (const MiParams& item : array) {
    std::optional<std::string> text = as_text(item);
    if (!text) throw invalid(fmt::format("Bad type for array item in parameter '{}'", name));
    texts.push_back(*std::move(text));
  }
  return texts;
}

}  // namespace httpd::daemon
