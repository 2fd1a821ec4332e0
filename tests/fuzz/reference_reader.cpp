// SPDX-License-Identifier: GPL-2.0-or-later
#include "reference_reader.h"

namespace httpd::fuzz {

void ReferenceBuilder::add_name(const char* data, std::size_t size) {
  if (!in_head_) return;
  if (!in_name_ || message_.fields.empty()) message_.fields.emplace_back();
  in_name_ = true;
  message_.fields.back().first.append(data, size);
}

void ReferenceBuilder::add_value(const char* data, std::size_t size) {
  if (!in_head_ || message_.fields.empty()) return;
  in_name_ = false;
  message_.fields.back().second.append(data, size);
}

void ReferenceBuilder::complete(std::string_view method) {
  message_.method = method;
  reading.messages.push_back(std::move(message_));
  message_ = {};
}

}  // namespace httpd::fuzz
