// What the console's page is made of: files that the build has put into the program.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <string_view>

namespace httpd::console {

/// A file below the console's root. All texts have static storage.
struct Asset {
  std::string_view name;  ///< the last segment of its path: "console.js"
  std::string_view type;  ///< its media type: "text/javascript; charset=utf-8"
  std::string_view bytes;
  std::string_view gzip;  ///< the same compressed; "" where that does not pay
};

/// console.js, console.css and icon.svg.
[[nodiscard]] std::span<const Asset> assets() noexcept;

/// index.html, with its places for what is known only when it is asked for: see page_template.h.
[[nodiscard]] std::string_view page_template() noexcept;

/// A text that changes with any of these: letters and digits.
[[nodiscard]] std::string_view build() noexcept;

}  // namespace httpd::console
