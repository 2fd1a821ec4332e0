// Where the test modules write down what happened to them.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "notes.h"

namespace httpd::daemon {

std::vector<std::string>& notes() {
  static std::vector<std::string> all;
  return all;
}

}  // namespace httpd::daemon

void config_test_note(const char* what) {
  httpd::daemon::notes().emplace_back(what);
}
