// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/intrusive_list.h"

#include <gtest/gtest.h>
#include <memory>
#include <vector>

namespace httpd::net {
namespace {

struct Item : ListNode<Item> {
  explicit Item(int v) : value(v) {}
  int value;
};

std::vector<int> values(IntrusiveList<Item>& list) {
  std::vector<int> result;
  list.for_each([&](Item& item) { result.push_back(item.value); });
  return result;
}

TEST(IntrusiveList, KeepsOrderAndLosesDestroyedMembers) {
  IntrusiveList<Item> list;
  EXPECT_TRUE(list.empty());
  Item one(1);
  auto two = std::make_unique<Item>(2);
  Item three(3);
  list.push_back(one);
  list.push_back(*two);
  list.push_back(three);
  EXPECT_EQ(values(list), (std::vector{1, 2, 3}));
  two.reset();
  EXPECT_EQ(values(list), (std::vector{1, 3}));
  EXPECT_EQ(list.pop_front().value, 1);
  EXPECT_FALSE(one.linked());
  EXPECT_TRUE(three.linked());
}

TEST(IntrusiveList, TakesMembersAtItsFrontToo) {
  IntrusiveList<Item> list;
  Item one(1);
  Item two(2);
  Item three(3);
  list.push_front(two);
  EXPECT_EQ(&list.front(), &two);
  list.push_back(three);
  list.push_front(one);
  EXPECT_EQ(values(list), (std::vector{1, 2, 3}));
  EXPECT_EQ(&list.front(), &one);
  one.unlink();
  EXPECT_EQ(&list.front(), &two);
  EXPECT_EQ(list.pop_front().value, 2);
  list.push_front(one);
  EXPECT_EQ(values(list), (std::vector{1, 3}));
}

TEST(IntrusiveList, SplicesInOrder) {
  IntrusiveList<Item> left;
  IntrusiveList<Item> right;
  Item one(1);
  Item two(2);
  Item three(3);
  left.push_back(one);
  right.push_back(two);
  right.push_back(three);
  left.splice(right);
  EXPECT_TRUE(right.empty());
  EXPECT_EQ(values(left), (std::vector{1, 2, 3}));
  left.splice(right);
  EXPECT_EQ(values(left), (std::vector{1, 2, 3}));
}

TEST(IntrusiveList, VisitMayDestroyTheMemberVisited) {
  IntrusiveList<Item> list;
  for (int i = 0; i < 5; ++i)
    list.push_back(*new Item(i));
  int visited = 0;
  list.for_each([&](Item& item) {
    ++visited;
    delete &item;
  });
  EXPECT_EQ(visited, 5);
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace httpd::net
