// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/spare_memory.h"

#include <gtest/gtest.h>

namespace httpd::net {
namespace {

TEST(SpareMemory, IsGivenBackOnceForEachTimeThatItIsFilled) {
  SpareMemory spare(1000);
  EXPECT_FALSE(spare.release());
  EXPECT_TRUE(spare.fill());
  EXPECT_TRUE(spare.fill());
  EXPECT_TRUE(spare.release());
  EXPECT_FALSE(spare.release());
  EXPECT_TRUE(spare.fill());
  EXPECT_TRUE(spare.release());
}

#if !defined(HTTPD_ADDRESS_SANITIZER)
TEST(SpareMemory, SaysWhenThereIsNone) {
  SpareMemory spare(static_cast<std::size_t>(1) << 62U);
  EXPECT_FALSE(spare.fill());
  EXPECT_FALSE(spare.release());
}
#endif

}  // namespace
}  // namespace httpd::net
