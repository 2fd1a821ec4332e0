// Has one allocation fail, wherever it is: this program has an operator new of its own.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace httpd::console {

/// The allocation after `count` others throws std::bad_alloc, once.
void fail_allocation_after(int count) noexcept;
/// Takes it back. True when it has failed.
bool allocation_has_failed() noexcept;

}  // namespace httpd::console
