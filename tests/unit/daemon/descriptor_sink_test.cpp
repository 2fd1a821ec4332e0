// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/descriptor_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <memory>
#include <spdlog/logger.h>
#include <unistd.h>

#include "pipe.h"

namespace httpd::daemon {
namespace {

class DescriptorSinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK), 0);
    logger = std::make_unique<spdlog::logger>("test", std::make_shared<DescriptorSink>(pipe.writer.get()));
    logger->set_pattern("%v");
  }
  std::string read_all() const {
    std::string text;
    char buffer[65536];
    for (ssize_t size = 0; (size = ::read(pipe.reader.get(), buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(size));
    return text;
  }
  Pipe pipe;
  std::unique_ptr<spdlog::logger> logger;
};

TEST_F(DescriptorSinkTest, WritesLines) {
  logger->info("one");
  logger->info("two");
  EXPECT_EQ(read_all(), "one\ntwo\n");
}

TEST_F(DescriptorSinkTest, NeverWaitsAndCountsWhatIsLost) {
  const std::string line(1000, 'x');
  for (int i = 0; i < 1000; ++i)
    logger->info(line);  // many times what a pipe holds
  const std::string taken = read_all();
  const std::size_t lines = taken.size() / (line.size() + 1);
  EXPECT_LT(lines, 1000U);
  logger->info("after");
  EXPECT_EQ(read_all(),
            std::to_string(1000 - lines) + " log lines were lost: nobody took them in time\nafter\n");
}

TEST_F(DescriptorSinkTest, CutsVeryLongLines) {
  logger->info(std::string(10'000, 'x'));
  const std::string taken = read_all();
  EXPECT_EQ(taken.size(), 4096U);
  EXPECT_THAT(taken, ::testing::EndsWith("x...\n"));
}

TEST_F(DescriptorSinkTest, LivesWithABrokenPipe) {
  ::signal(SIGPIPE, SIG_IGN);
  pipe.reader.reset();
  logger->info("nobody reads this");
}

}  // namespace
}  // namespace httpd::daemon
