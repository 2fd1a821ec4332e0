// A pipe, for tests of what is written to a descriptor. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include "net/unique_fd.h"

namespace httpd::daemon {

struct Pipe {
  Pipe() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe(ends), 0);
    reader = net::UniqueFd(ends[0]);
    writer = net::UniqueFd(ends[1]);
  }
  net::UniqueFd reader;
  net::UniqueFd writer;
};

}  // namespace httpd::daemon
