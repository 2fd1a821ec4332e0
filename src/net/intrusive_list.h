// A doubly linked list whose links live in its members: joining and leaving cost nothing and cannot fail.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace httpd::net {

template <typename T>
class IntrusiveList;

/// The links of a member: T derives from ListNode<T>. A member leaves its list when it is destroyed.
template <typename T>
class ListNode {
 public:
  ListNode() noexcept = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete): it does not see that members unlink themselves
  [[nodiscard]] bool linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    previous_->next_ = next_;
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete): it loses track of who was unlinked before deletion
    next_->previous_ = previous_;
    next_ = previous_ = this;
  }

 protected:
  ~ListNode() { unlink(); }

 private:
  friend class IntrusiveList<T>;
  ListNode* next_ = this;
  ListNode* previous_ = this;
};

/// A list of T, which derives from ListNode<T>. Owns nothing.
template <typename T>
class IntrusiveList {
 public:
  [[nodiscard]] bool empty() const noexcept { return !head_.linked(); }
  /// Appends `member`, which must not be in a list.
  void push_back(T& member) noexcept { insert(member, head_); }
  /// Puts `member`, which must not be in a list, before all others.
  void push_front(T& member) noexcept { insert(member, *head_.next_); }
  /// The first member; the list must not be empty.
  [[nodiscard]] T& front() noexcept { return static_cast<T&>(*head_.next_); }
  /// Takes out and returns the first member; the list must not be empty.
  T& pop_front() noexcept {
    Node& node = *head_.next_;
    node.unlink();  // NOLINT(clang-analyzer-cplusplus.NewDelete): likewise
    return static_cast<T&>(node);
  }
  /// Moves all members of `other` to the end of this list.
  void splice(IntrusiveList& other) noexcept {
    if (other.empty()) return;
    Node& theirs = other.head_;
    head_.previous_->next_ = theirs.next_;
    theirs.next_->previous_ = head_.previous_;
    theirs.previous_->next_ = &head_;
    head_.previous_ = theirs.previous_;
    theirs.next_ = theirs.previous_ = &theirs;
  }
  /// Calls `visit(member)` for each member; `visit` may destroy or unlink the member that it is given, no
  /// other.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (Node* node = head_.next_; node != &head_;) {
      Node* const next = node->next_;
      visit(static_cast<T&>(*node));
      node = next;
    }
  }

 private:
  using Node = ListNode<T>;
  struct Head : Node {};
  static void insert(Node& node, Node& next) noexcept {
    node.previous_ = next.previous_;
    node.next_ = &next;
    next.previous_->next_ = &node;
    next.previous_ = &node;
  }
  Head head_;
};

}  // namespace httpd::net
