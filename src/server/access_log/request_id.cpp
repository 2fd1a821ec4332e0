// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access_log/request_id.h"

#include <algorithm>
#include <cerrno>
#include <sys/random.h>
#include <system_error>

#include "http/characters.h"

namespace httpd::server {
namespace {

constexpr std::size_t kLongest = 128;

constexpr std::array<bool, 256> kGood = [] {
  std::array<bool, 256> good{};
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/=@:-"))
    good[static_cast<unsigned char>(c)] = true;
  return good;
}();

void write_hex(std::uint64_t value, char* out) noexcept {
  for (int shift = 60; shift >= 0; shift -= 4)
    *out++ = "0123456789abcdef"[(value >> static_cast<unsigned>(shift)) & 0xFU];
}

/// The finalizer of splitmix64: a permutation, so that different counts stay different.
std::uint64_t permute(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

}  // namespace

bool is_good_request_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kLongest &&
         std::ranges::all_of(id, [](char c) { return kGood[static_cast<unsigned char>(c)]; });
}

RequestIds::RequestIds() {
  std::array<std::uint64_t, 2> random{};
  if (::getrandom(random.data(), sizeof random, 0) != static_cast<ssize_t>(sizeof random))
    throw std::system_error(errno, std::generic_category(), "random bytes for request ids");
  key_ = random[0];
  write_hex(random[1], id_.data());
}

std::string_view RequestIds::choose(std::span<const http::FieldLine> fields) noexcept {
  for (const http::FieldLine& line : fields)
    if (http::iequals(line.name, kRequestIdField) && is_good_request_id(line.value)) return line.value;
  write_hex(permute(count_++ ^ key_), id_.data() + 16);
  return {id_.data(), id_.size()};
}

}  // namespace httpd::server
