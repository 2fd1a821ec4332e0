// Name-value pairs, kept as offsets so that the text may move while it grows.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/arguments.h"

#include "http/percent.h"

namespace httpd::http {

void Arguments::clear() noexcept {
  constexpr std::size_t kKeptBytes = 65536;
  text_.clear();
  entries_.clear();
  if (text_.capacity() > kKeptBytes) std::string().swap(text_);
  if (entries_.capacity() > kKeptBytes / sizeof(Entry)) std::vector<Entry>().swap(entries_);
}

void Arguments::add(std::string_view name, std::string_view value) {
  const std::size_t start = text_.size();
  text_ += name;
  text_ += '\0';
  text_ += value;
  text_ += '\0';
  entries_.push_back({start, start + name.size() + 1});
}

bool Arguments::add_encoded(std::string_view name, std::string_view value) {
  const std::size_t start = text_.size();
  if (percent_decode(name, text_, true)) {
    text_ += '\0';
    const std::size_t value_start = text_.size();
    if (percent_decode(value, text_, true)) {
      text_ += '\0';
      entries_.push_back({start, value_start});
      return true;
    }
  }
  text_.resize(start);
  return false;
}

Arguments::Pair Arguments::at(std::size_t index) const noexcept {
  const Entry& entry = entries_[index];
  const std::size_t end = index + 1 < entries_.size() ? entries_[index + 1].name : text_.size();
  const char* const text = text_.data();
  return {{text + entry.name, entry.value - entry.name - 1}, {text + entry.value, end - entry.value - 1}};
}

std::optional<std::string_view> Arguments::find(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Pair pair = at(i);
    if (pair.first == name) return pair.second;
  }
  return std::nullopt;
}

}  // namespace httpd::http
