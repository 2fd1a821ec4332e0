// Lists in the values of parameters. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

#include "http/characters.h"

namespace httpd::server {

/// Calls `use` with each part of a list, without the blanks around it. An empty list has one empty part.
template <typename Use>
void for_each_part(std::string_view list, char separator, Use use) {
  while (true) {
    const std::size_t end = list.find(separator);
    use(http::trim_ows(list.substr(0, end)));
    if (end == std::string_view::npos) return;
    list.remove_prefix(end + 1);
  }
}

}  // namespace httpd::server
