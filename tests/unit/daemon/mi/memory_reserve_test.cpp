// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/memory_reserve.h"

#include <gtest/gtest.h>
#include <new>
#include <stdexcept>

namespace httpd::daemon {
namespace {

/// What operator new does when it finds no memory. True when it would try again.
bool more_is_there() {
  const std::new_handler handler = std::get_new_handler();
  if (handler == nullptr) return false;
  try {
    handler();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

/// Allocates where an exception passes.
class Destructor {
 public:
  explicit Destructor(int& found) : found_(found) {}
  ~Destructor() { found_ += more_is_there() ? 1 : 0; }
  Destructor(const Destructor&) = delete;
  Destructor& operator=(const Destructor&) = delete;

 private:
  int& found_;
};

int found_on_the_way_of_an_exception() {
  int found = 0;
  try {
    const Destructor first(found);
    const Destructor second(found);
    throw std::runtime_error("thrown on purpose");
  } catch (const std::runtime_error&) {
    return found;
  }
}

TEST(MemoryReserve, HelpsOnceAndThenThoseWhoMayNotFail) {
  const MemoryReserve reserve;
  EXPECT_TRUE(more_is_there());
  EXPECT_FALSE(more_is_there());
  EXPECT_EQ(found_on_the_way_of_an_exception(), 1);
  EXPECT_FALSE(more_is_there());
  EXPECT_EQ(found_on_the_way_of_an_exception(), 0);
}

TEST(MemoryReserve, IsThereAgainForTheNext) {
  for (int i = 0; i < 3; ++i) {
    const MemoryReserve reserve;
    EXPECT_EQ(found_on_the_way_of_an_exception(), 2);
    EXPECT_FALSE(more_is_there());
  }
}

TEST(MemoryReserve, ChangesNothingBeforeAndAfter) {
  const std::new_handler before = std::get_new_handler();
  {
    const MemoryReserve reserve;
    EXPECT_NE(std::get_new_handler(), before);
  }
  EXPECT_EQ(std::get_new_handler(), before);
}

}  // namespace
}  // namespace httpd::daemon
