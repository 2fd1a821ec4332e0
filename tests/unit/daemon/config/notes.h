// Where the test modules write down what happened to them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

/// Called by the modules, which find it in the test program when they are loaded.
extern "C" void config_test_note(const char* what);

namespace httpd::daemon {

/// The notes so far; each test clears them first.
std::vector<std::string>& notes();

}  // namespace httpd::daemon
