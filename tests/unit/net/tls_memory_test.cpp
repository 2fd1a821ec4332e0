// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_memory.h"

#include <gmp.h>
#include <gtest/gtest.h>

namespace httpd::net {
namespace {

TEST(TlsMemory, GmpGetsItsMemoryHere) {
  void* (*before)(std::size_t) = nullptr;
  void* (*after)(std::size_t) = nullptr;
  void* (*again)(std::size_t) = nullptr;
  ::mp_get_memory_functions(&before, nullptr, nullptr);
  EXPECT_TRUE(prepare_tls_memory());
  ::mp_get_memory_functions(&after, nullptr, nullptr);
  EXPECT_TRUE(prepare_tls_memory());
  ::mp_get_memory_functions(&again, nullptr, nullptr);
  EXPECT_EQ(after, again);

  mpz_t number;
  mpz_init_set_ui(number, 3);
  mpz_pow_ui(number, number, 10'000);  // grows, and so moves
  EXPECT_EQ(mpz_fdiv_ui(number, 1000), 1U);
  mpz_clear(number);
}

#if !defined(HTTPD_ADDRESS_SANITIZER)
TEST(TlsMemoryDeathTest, WithoutAnyTheProcessEnds) {
  ASSERT_TRUE(prepare_tls_memory());
  void* (*allocate)(std::size_t) = nullptr;
  ::mp_get_memory_functions(&allocate, nullptr, nullptr);
  EXPECT_DEATH(allocate(static_cast<std::size_t>(1) << 62U), "");
}
#endif

}  // namespace
}  // namespace httpd::net
