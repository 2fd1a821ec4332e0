// How a fuzz target says that something must hold, in every kind of build.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdlib>

namespace httpd::fuzz {

/// Ends the program, and so reports the input, unless `holds`.
inline void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace httpd::fuzz
