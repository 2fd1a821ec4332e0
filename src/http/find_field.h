// Looking a header field up by its name. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "http/characters.h"
#include "http/framing.h"

namespace httpd::http {

/// The value of the first field line with this name, in any case; nothing when there is none.
[[nodiscard]] inline std::optional<std::string_view> find_field(std::span<const FieldLine> fields,
                                                                std::string_view name) noexcept {
  for (const FieldLine& line : fields)
    if (iequals(line.name, name)) return line.value;
  return std::nullopt;
}

}  // namespace httpd::http
