// Several ranges of a file as one body (multipart/byteranges, RFC 9110 section 14.6).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/file_body.h>
#include <httpd/reply.h>

#include "http/ranges.h"

namespace httpd::server {

/// Reads the ranges as the client takes them, and holds none of their bytes.
class FileRanges final : public BodySource {
 public:
  /// `parts` lie inside `file`, whose whole the Content-Range fields speak of; `part_type` is the
  /// Content-Type of each part. Throws std::bad_alloc.
  FileRanges(FileBody file, std::vector<http::ByteRange> parts, std::string_view part_type);
  /// The Content-Type of the whole body, with its boundary: 128 bits that nobody can guess, and so nobody can
  /// write into a file.
  [[nodiscard]] std::string content_type() const;
  /// kBroken when the file has become shorter, or cannot be read.
  std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) override;

 private:
  void begin_part();

  FileBody file_;
  std::vector<http::ByteRange> parts_;
  std::string part_type_;
  std::string boundary_;
  std::string text_;         // what stands between the ranges, as far as it was not read
  std::size_t next_ = 0;     // of parts_
  std::uint64_t first_ = 0;  // the rest of the part before next_
  std::uint64_t left_ = 0;
};

}  // namespace httpd::server
