// Stands in for what is embedded. SPDX-License-Identifier: GPL-2.0-or-later
#include <array>

#include "handlers/console/assets.h"

namespace httpd::console {

std::span<const Asset> assets() noexcept {
  static constexpr std::array<Asset, 1> kAssets{{{"console.js", "text/javascript", "js()", ""}}};
  return kAssets;
}

std::string_view page_template() noexcept {
  return "<p>{{number httpd:requests}}</p>";
}

std::string_view build() noexcept {
  return "fake";
}

}  // namespace httpd::console
