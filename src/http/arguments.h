// The name-value pairs of a form and of a query, decoded, in one piece of memory.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace httpd::http {

/// Pairs in the order in which they were added. A NUL byte, not counted in the views, follows each name and
/// each value. Views stay valid until the next add(), add_encoded(), clear(), or the end of the object.
class Arguments {
 public:
  using Pair = std::pair<std::string_view, std::string_view>;

  /// Forgets all pairs. Keeps the memory for the next ones, but gives back what is above 64 KiB.
  void clear() noexcept;
  /// Appends a pair. Neither text holds a NUL or is a view of this object; both are copied.
  void add(std::string_view name, std::string_view value);
  /// The same with percent_decode() and '+' as a space for both. False, with nothing added, when that fails.
  [[nodiscard]] bool add_encoded(std::string_view name, std::string_view value);

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// The bytes of memory held, used or not.
  [[nodiscard]] std::size_t capacity() const noexcept {
    return text_.capacity() + entries_.capacity() * sizeof(Entry);
  }
  /// Name and value of the pair with this index, which is below size().
  [[nodiscard]] Pair at(std::size_t index) const noexcept;
  /// The value of the first pair with exactly this name. Takes time in proportion to size().
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;

 private:
  /// A pair's place in text_: its name, a NUL, its value, a NUL; the next pair follows at once.
  struct Entry {
    std::size_t name;
    std::size_t value;
  };
  std::string text_;
  std::vector<Entry> entries_;
};

}  // namespace httpd::http
