// Overwriting what must not stay in memory. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstring>
#include <string>

namespace httpd::http {

/// Empties `text`, and overwrites all of its memory in a way that no compiler leaves out.
inline void wipe(std::string& text) noexcept {
  text.resize(text.capacity());  // within its capacity, so nothing is moved
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace httpd::http
