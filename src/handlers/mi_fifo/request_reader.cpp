// The states of the reader: between requests, in the name of the reply FIFO, in the JSON text.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/request_reader.h"

#include <algorithm>
#include <utility>

namespace httpd::mi_fifo {

std::vector<RequestReader::Item> RequestReader::add(std::string_view bytes) {
  std::vector<Item> items;
  while (!bytes.empty()) {
    switch (state_) {
      case State::kBetween:
        bytes = take_between(bytes, items);
        break;
      case State::kName:
        bytes = take_name(bytes, items);
        break;
      case State::kText:
      case State::kSkippedText:
        bytes = take_text(bytes, items);
        break;
    }
  }
  return items;
}

std::optional<RequestReader::Item> RequestReader::expire() {
  if (!incomplete()) return std::nullopt;
  // A name is known when it is whole.
  if (state_ == State::kName) name_.clear();
  Item item = give(state_ == State::kSkippedText ? Kind::kTooLong : Kind::kIncomplete);
  reset();
  return item;
}

std::string_view RequestReader::take_between(std::string_view bytes, std::vector<Item>& items) {
  const auto* const begin = std::find_if_not(bytes.begin(), bytes.end(), is_json_space);
  bytes.remove_prefix(static_cast<std::size_t>(begin - bytes.begin()));
  if (bytes.empty()) return bytes;
  if (bytes.front() != ':') return drop_line(bytes, items);
  state_ = State::kName;
  return bytes.substr(1);
}

std::string_view RequestReader::take_name(std::string_view bytes, std::vector<Item>& items) {
  const auto* const stop =
      std::find_if(bytes.begin(), bytes.end(), [](char c) { return c == ':' || is_control(c); });
  const auto size = static_cast<std::size_t>(stop - bytes.begin());
  if (size > kMaxReplyName - name_.size() || (size < bytes.size() && *stop != ':'))
    return drop_line(bytes, items);
  name_.append(bytes.substr(0, size));
  if (size == bytes.size()) return {};
  state_ = State::kText;
  return bytes.substr(size + 1);
}

std::string_view RequestReader::take_text(std::string_view bytes, std::vector<Item>& items) {
  const std::size_t size = scanner_.feed(bytes);
  if (state_ == State::kText) {
    if (size > kMaxRequestSize - text_.size()) {
      std::string().swap(text_);  // assigning it would keep the memory
      state_ = State::kSkippedText;
    } else {
      text_.append(bytes.substr(0, size));
    }
  }
  if (scanner_.done()) {
    items.push_back(give(state_ == State::kText ? Kind::kRequest : Kind::kTooLong));
    reset();
  }
  return bytes.substr(size);
}

std::string_view RequestReader::drop_line(std::string_view bytes, std::vector<Item>& items) {
  name_.clear();
  items.push_back(give(Kind::kNoRequest));
  reset();
  const std::size_t end = bytes.find('\n');
  return end == std::string_view::npos ? std::string_view() : bytes.substr(end + 1);
}

RequestReader::Item RequestReader::give(Kind kind) noexcept {
  Item item{kind, std::exchange(name_, {}), std::exchange(text_, {})};
  if (kind != Kind::kRequest) item.text.clear();
  return item;
}

void RequestReader::reset() noexcept {
  state_ = State::kBetween;
  scanner_ = JsonScanner();
}

}  // namespace httpd::mi_fifo
