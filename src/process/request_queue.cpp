// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/request_queue.h"

namespace httpd::process {

RequestQueue::RequestQueue(const Limits& limits, const server::Router& router) : limits_(limits) {
  for (const server::Route& route : router.routes())
    roots_.try_emplace(&route);
}

bool RequestQueue::has_room(const server::Route& route) const noexcept {
  return size_ < limits_.waiting || (limits_.waiting > 0 && root(route).count == 0);
}

void RequestQueue::push(Item& item) noexcept {
  item.order_ = ++order_;
  Root& its = root(item.route());
  its.waiting.push_back(item);
  ++its.count;
  ++size_;
}

void RequestQueue::put_back(Item& item) noexcept {
  Root& its = root(item.route());
  net::IntrusiveList<Item> before;
  while (!its.waiting.empty() && its.waiting.front().order_ < item.order_)
    before.push_back(its.waiting.pop_front());
  before.push_back(item);
  before.splice(its.waiting);
  its.waiting.splice(before);
  ++its.count;
  ++size_;
}

void RequestQueue::remove(Item& item) noexcept {
  item.unlink();
  --root(item.route()).count;
  --size_;
}

bool RequestQueue::may_start(const server::Route& route) const noexcept {
  return root(route).running < limits_.per_root;
}

RequestQueue::Item* RequestQueue::next() noexcept {
  if (size_ == 0) return nullptr;
  Item* first = nullptr;
  for (auto& [route, its] : roots_) {
    if (its.count == 0 || its.running >= limits_.per_root) continue;
    Item& candidate = its.waiting.front();
    if (first == nullptr || candidate.order_ < first->order_) first = &candidate;
  }
  if (first != nullptr) remove(*first);
  return first;
}

RequestQueue::Item* RequestQueue::any() noexcept {
  for (auto& [route, its] : roots_)
    if (its.count != 0) return &its.waiting.front();
  return nullptr;
}

}  // namespace httpd::process
