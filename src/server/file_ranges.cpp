// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/file_ranges.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <new>
#include <sys/random.h>

#include "net/stream.h"

namespace httpd::server {
namespace {

std::string make_boundary() {
  std::array<std::uint64_t, 2> random{};
  // So few bytes come at once, and whole, from a kernel that has started up (getrandom(2)).
  if (::getrandom(random.data(), sizeof random, 0) != static_cast<ssize_t>(sizeof random))
    throw std::bad_alloc();
  return fmt::format("{:016x}{:016x}", random[0], random[1]);
}

}  // namespace

FileRanges::FileRanges(FileBody file, std::vector<http::ByteRange> parts, std::string_view part_type)
    : file_(std::move(file)), parts_(std::move(parts)), part_type_(part_type), boundary_(make_boundary()) {
  begin_part();
}

std::string FileRanges::content_type() const {
  return "multipart/byteranges; boundary=" + boundary_;
}

void FileRanges::begin_part() {
  const std::string_view line_end = next_ == 0 ? "" : "\r\n";
  if (next_ == parts_.size()) {
    text_ = fmt::format("{}--{}--\r\n", line_end, boundary_);
  } else {
    const http::ByteRange& part = parts_[next_];
    text_ = fmt::format("{}--{}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n", line_end, boundary_,
                        part_type_, http::content_range(part, file_.size()));
    first_ = part.first;
    left_ = part.size;
  }
  ++next_;
}

std::ptrdiff_t FileRanges::read(std::uint64_t /*position*/, char* buffer, std::size_t size) {
  if (text_.empty() && left_ == 0) {
    if (next_ > parts_.size()) return kEnd;
    begin_part();
  }
  std::size_t count = text_.copy(buffer, size);
  text_.erase(0, count);
  const std::size_t of_file = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size - count));
  if (of_file > 0) {
    if (!net::read_file({file_.descriptor(), file_.offset() + first_, of_file}, buffer + count))
      return kBroken;
    first_ += of_file;
    left_ -= of_file;
    count += of_file;
  }
  return static_cast<std::ptrdiff_t>(count);
}

}  // namespace httpd::server
