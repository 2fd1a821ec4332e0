// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/request_queue.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "requests.h"

namespace httpd::process {
namespace {

struct Waiting final : RequestQueue::Item {
  Waiting(std::string its_name, const server::Route& route) : name(std::move(its_name)) { set_route(route); }
  std::string name;
};

class RequestQueueTest : public ::testing::Test {
 protected:
  RequestQueueTest() {
    for (const char* const root : {"a", "b", "c"})
      router.add("test", root, handler([](const Request&, Reply) {}));
  }
  const server::Route& route(char root) const { return *router.find(std::string("/") + root); }
  /// A request whose name begins with its root.
  Waiting& push(RequestQueue& queue, std::string_view name) {
    items.push_back(std::make_unique<Waiting>(std::string(name), route(name[0])));
    queue.push(*items.back());
    return *items.back();
  }
  static std::string next(RequestQueue& queue) {
    RequestQueue::Item* const item = queue.next();
    return item == nullptr ? "none" : static_cast<Waiting*>(item)->name;
  }
  server::Router router;
  std::vector<std::unique_ptr<Waiting>> items;
};

TEST_F(RequestQueueTest, FirstComeFirstServedAcrossRoots) {
  RequestQueue queue({10, 5}, router);
  EXPECT_EQ(next(queue), "none");
  for (const char* const name : {"a1", "b1", "a2", "c1", "b2"})
    push(queue, name);
  EXPECT_EQ(queue.size(), 5U);
  for (const char* const name : {"a1", "b1", "a2", "c1", "b2", "none"})
    EXPECT_EQ(next(queue), name);
  EXPECT_EQ(queue.size(), 0U);
}

TEST_F(RequestQueueTest, ARootAtItsLimitIsPassedBy) {
  RequestQueue queue({10, 2}, router);
  for (const char* const name : {"a1", "a2", "a3", "b1"})
    push(queue, name);
  EXPECT_EQ(next(queue), "a1");
  queue.started(route('a'));
  EXPECT_TRUE(queue.may_start(route('a')));
  EXPECT_EQ(next(queue), "a2");
  queue.started(route('a'));
  EXPECT_FALSE(queue.may_start(route('a')));
  EXPECT_TRUE(queue.may_start(route('b')));
  EXPECT_EQ(next(queue), "b1");
  EXPECT_EQ(next(queue), "none") << "a3 waits though a process would be free";
  queue.ended(route('a'));
  EXPECT_EQ(next(queue), "a3");
}

TEST_F(RequestQueueTest, WhatIsPutBackIsNextAgain) {
  RequestQueue queue({10, 5}, router);
  for (const char* const name : {"a1", "b1", "a2"})
    push(queue, name);
  RequestQueue::Item* const first = queue.next();
  queue.put_back(*first);
  EXPECT_EQ(queue.size(), 3U);
  for (const char* const name : {"a1", "b1", "a2"})
    EXPECT_EQ(next(queue), name);
}

TEST_F(RequestQueueTest, LaterOnesArePutBackBeforeThoseOfOtherRootsThatCameAfter) {
  RequestQueue queue({10, 5}, router);
  for (const char* const name : {"a1", "b1"})
    push(queue, name);
  RequestQueue::Item* const first = queue.next();
  push(queue, "c1");
  EXPECT_EQ(next(queue), "b1");
  queue.put_back(*first);
  EXPECT_EQ(next(queue), "a1");
  EXPECT_EQ(next(queue), "c1");
}

TEST_F(RequestQueueTest, WhatLeavesIsNotNextAnyMore) {
  RequestQueue queue({10, 5}, router);
  push(queue, "a1");
  Waiting& middle = push(queue, "a2");
  push(queue, "a3");
  queue.remove(middle);
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(next(queue), "a1");
  EXPECT_EQ(next(queue), "a3");
}

TEST_F(RequestQueueTest, AFullQueueHasRoomForARootOfWhichNothingWaits) {
  RequestQueue queue({2, 1}, router);
  EXPECT_TRUE(queue.has_room(route('a')));
  push(queue, "a1");
  EXPECT_TRUE(queue.has_room(route('a')));
  push(queue, "a2");
  EXPECT_FALSE(queue.has_room(route('a')));
  EXPECT_TRUE(queue.has_room(route('b')));
  push(queue, "b1");
  EXPECT_FALSE(queue.has_room(route('b')));
  EXPECT_TRUE(queue.has_room(route('c')));
  EXPECT_EQ(next(queue), "a1");
  EXPECT_FALSE(queue.has_room(route('a'))) << "a2 and b1 are two";
  EXPECT_EQ(next(queue), "a2");
  EXPECT_TRUE(queue.has_room(route('a')));
}

TEST_F(RequestQueueTest, ALimitOfOneAndNone) {
  RequestQueue one({1, 1}, router);
  EXPECT_TRUE(one.has_room(route('a')));
  push(one, "a1");
  EXPECT_FALSE(one.has_room(route('a')));
  EXPECT_EQ(next(one), "a1");

  RequestQueue none({0, 1}, router);
  for (const char root : {'a', 'b', 'c'})
    EXPECT_FALSE(none.has_room(route(root)));
}

TEST_F(RequestQueueTest, AnyIsOneThatWaitsEvenOfARootAtItsLimit) {
  RequestQueue queue({10, 1}, router);
  EXPECT_EQ(queue.any(), nullptr);
  Waiting& only = push(queue, "b1");
  queue.started(route('b'));
  EXPECT_EQ(next(queue), "none");
  EXPECT_EQ(queue.any(), &only);
  EXPECT_EQ(queue.size(), 1U) << "it stays";
  queue.remove(only);
  EXPECT_EQ(queue.any(), nullptr);
}

TEST_F(RequestQueueTest, ManyRequestsKeepTheirOrder) {
  RequestQueue queue({10'000, 1000}, router);
  std::vector<std::string> names;
  for (int number = 0; number < 3000; ++number) {
    names.push_back(std::string(1, "abc"[number * 7 % 11 % 3]) + std::to_string(number));
    push(queue, names.back());
  }
  for (const std::string& name : names)
    ASSERT_EQ(next(queue), name);
}

}  // namespace
}  // namespace httpd::process
