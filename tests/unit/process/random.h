// Numbers that look random, and are the same in each run.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <random>

namespace httpd::process {

using Random = std::independent_bits_engine<std::mt19937, 32, std::uint32_t>;

}  // namespace httpd::process
