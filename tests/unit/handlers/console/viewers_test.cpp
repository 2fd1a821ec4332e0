// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/viewers.h"

#include <gmock/gmock.h>

#include "fakes.h"

namespace httpd::console {
namespace {

class ConsoleViewers : public testing::Test {
 protected:
  std::unique_ptr<FakeChannel> add(const std::vector<Message>& first = {}) {
    auto channel = std::make_unique<FakeChannel>();
    viewers_.add(Reply(*channel), loop_, first);
    return channel;
  }
  FakeLoop loop_;
  Viewers viewers_;
};

TEST_F(ConsoleViewers, BeginWithTheirMessages) {
  const auto channel = add({{"hello", "{}"}, {"state", "[1]"}});
  EXPECT_EQ(channel->read(), "event: hello\nretry: 1000\ndata: {}\n\nevent: state\ndata: [1]\n\n");
  EXPECT_EQ(channel->ended, BodySource::kWait);
  EXPECT_EQ(channel->status, 200);
  EXPECT_EQ(channel->type, "text/event-stream");
  EXPECT_EQ(viewers_.count(), 1U);
}

TEST_F(ConsoleViewers, AllGetTheSame) {
  const auto one = add();
  EXPECT_EQ(viewers_.send({{"state", "1"}}), 0U);
  const auto other = add();
  viewers_.send({{"samples", "2"}, {"state", "3"}});
  EXPECT_EQ(one->read(), "event: state\ndata: 1\n\nevent: samples\ndata: 2\n\nevent: state\ndata: 3\n\n");
  EXPECT_EQ(other->read(), "event: samples\ndata: 2\n\nevent: state\ndata: 3\n\n");
}

TEST_F(ConsoleViewers, WhoLeavesIsForgotten) {
  const auto one = add();
  const auto other = add();
  one->leave();
  EXPECT_EQ(viewers_.count(), 1U) << "at once";
  const auto third = add();
  third->leave();
  loop_.turn();
  EXPECT_EQ(viewers_.count(), 1U) << "and when the loop tells";
  other->leave();
  EXPECT_EQ(viewers_.send({{"state", "1"}}), 0U) << "which is nobody's fault";
  EXPECT_EQ(viewers_.count(), 0U);
  loop_.turn();
  EXPECT_EQ(loop_.size(), 0U);
}

TEST_F(ConsoleViewers, WhoDoesNotReadIsLeftOut) {
  const auto idle = add({{"hello", "{}"}});
  const auto reader = add({{"hello", "{}"}});
  const std::vector<Message> large{{"state", std::string(Viewers::kBuffer / 4, 'x')}};
  std::size_t left_out = 0;
  for (int i = 0; i < 8; ++i) {
    left_out += viewers_.send(large);
    EXPECT_GT(reader->read().size(), large[0].data.size()) << i;
  }
  EXPECT_EQ(left_out, 1U);
  EXPECT_EQ(viewers_.count(), 1U);
  EXPECT_EQ(idle->read(), "");
  EXPECT_EQ(idle->ended, BodySource::kBroken) << "so that the browser comes again";
  EXPECT_EQ(reader->ended, BodySource::kWait);
}

TEST_F(ConsoleViewers, TheFirstMessagesFit) {
  const std::string third(Viewers::kBuffer / 4, 'x');
  const auto channel = add({{"hello", "{}"}, {"samples", third}, {"state", third}});
  EXPECT_EQ(viewers_.send({{"state", "1"}}), 0U);
  EXPECT_TRUE(channel->read().ends_with("event: state\ndata: 1\n\n"));
}

TEST_F(ConsoleViewers, EndInOrder) {
  const auto one = add();
  const auto other = add();
  viewers_.send({{"state", "1"}});
  viewers_.close();
  EXPECT_EQ(viewers_.count(), 0U);
  for (const auto& channel : {one.get(), other.get()}) {
    EXPECT_EQ(channel->read(), "event: state\ndata: 1\n\n");
    EXPECT_EQ(channel->ended, BodySource::kEnd);
  }
  EXPECT_EQ(loop_.size(), 0U) << "no heart beats any more";
}

TEST_F(ConsoleViewers, OneWhoGetsNoMore) {
  FakeChannel channel;
  send_once(Reply(channel), loop_, {{"hello", "{}"}, {"state", "1"}});
  EXPECT_EQ(channel.read(), "event: hello\nretry: 1000\ndata: {}\n\nevent: state\ndata: 1\n\n");
  EXPECT_EQ(channel.ended, BodySource::kEnd);
}

}  // namespace
}  // namespace httpd::console
