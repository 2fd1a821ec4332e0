// Ready-made modparam() parameters: an integer within a range, and a string.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <variant>

#include <httpd/module.h>

namespace httpd {

/// An integer parameter from `min` to `max`, both included. `set` is called with each value within the range;
/// for any other one ConfigError names the value and the range. `set` may throw ConfigError itself.
[[nodiscard]] inline Parameter integer_parameter(std::string name, long long min, long long max,
                                                 std::function<void(long long value)> set) {
  return {std::move(name), Parameter::Type::kInteger,
          [min, max, set = std::move(set)](const ParameterValue& value) {
            const long long number = std::get<long long>(value);
            if (number < min || number > max) {
              throw ConfigError("value " + std::to_string(number) +
                                " is out of range: " + std::to_string(min) + " to " + std::to_string(max));
            }
            set(number);
          }};
}

/// A string parameter. `set` may throw ConfigError; it must copy what it keeps.
[[nodiscard]] inline Parameter string_parameter(std::string name,
                                                std::function<void(const std::string& value)> set) {
  return {std::move(name), Parameter::Type::kString,
          [set = std::move(set)](const ParameterValue& value) { set(std::get<std::string>(value)); }};
}

}  // namespace httpd
