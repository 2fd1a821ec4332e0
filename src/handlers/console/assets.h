// What the browser gets of the console, as it was embedded when this was built.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <string_view>

namespace httpd::console {

/// A file that the page refers to. All of it is in static storage.
struct Asset {
  std::string_view name;  ///< below the page: "console.js"
  std::string_view type;  ///< its media type
  std::string_view bytes;
  std::string_view gzip;  ///< the same, compressed; "" where that does not pay
};

/// console.js, console.css and icon.svg.
[[nodiscard]] std::span<const Asset> assets() noexcept;
/// index.html, as page_template.h describes it.
[[nodiscard]] std::string_view page_template() noexcept;
/// A text that changes with any of these.
[[nodiscard]] std::string_view build() noexcept;

}  // namespace httpd::console
