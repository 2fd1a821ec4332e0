// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/file_reply.h"

#include <algorithm>
#include <optional>

#include "http/characters.h"
#include "http/conditions.h"
#include "http/date.h"
#include "http/ranges.h"
#include "server/file_ranges.h"

namespace httpd::server {
namespace {

using http::RangeRequest;

/// The value of the first of these lines with this name; nothing when there is none.
std::optional<std::string_view> find_line(std::string_view lines, std::string_view name) noexcept {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    if (line.size() > name.size() && line[name.size()] == ':' &&
        http::iequals(line.substr(0, name.size()), name))
      return http::trim_ows(line.substr(name.size() + 1));
    lines.remove_prefix(std::min(line.size() + 2, lines.size()));
  }
  return std::nullopt;
}

void add_line(std::string& lines, std::string_view name, std::string_view value) {
  lines += name;
  lines += ": ";
  lines += value;
  lines += "\r\n";
}

/// The time for Last-Modified: one that lies ahead is no use to a client (RFC 9110 section 8.8.2.1), and one
/// before 1970 cannot be written.
std::optional<std::time_t> told(std::optional<std::time_t> modified, std::time_t now) noexcept {
  if (modified) modified = std::clamp<std::time_t>(*modified, 0, std::max<std::time_t>(now, 0));
  return modified;
}

class Maker {
 public:
  Maker(const FileRequest& request, const File& file)
      : request_(request),
        own_tag_(find_line(request.fields, "ETag")),
        own_date_(find_line(request.fields, "Last-Modified")),
        is_get_(request.head.method == Method::kGet || request.head.method == Method::kHead),
        size_(file.size()),
        validators_{
            own_tag_ ? *own_tag_ : std::string_view(file.entity_tag()),
            told(own_date_ ? http::parse_http_date(*own_date_, request.now) : file.modified(), request.now),
            request.now} {}

  /// Everything but the body of a 200.
  FileReply make(bool& whole, RangeRequest& ranges) const {
    whole = false;
    switch (http::evaluate_conditions(request_.head.fields, is_get_, validators_)) {
      case http::Condition::kPreconditionFailed:
        return {412, "", "", "Precondition failed\n"};
      case http::Condition::kNotModified:
        return {304, "", not_modified_fields(), ""};
      case http::Condition::kHolds:
        break;
    }
    ranges = asked_ranges();
    if (ranges.kind == RangeRequest::Kind::kUnsatisfiable) {
      std::string fields;
      add_line(fields, "Content-Range", http::unsatisfied_range(size_));
      return {416, "", std::move(fields), "Range not satisfiable\n"};
    }
    whole = true;
    FileReply reply{request_.status, std::string(request_.content_type), whole_fields(), ""};
    if (ranges.kind == RangeRequest::Kind::kParts) reply.status = 206;
    return reply;
  }

 private:
  /// RFC 9110 section 14.2: for GET alone, and where the reply would be a 200.
  [[nodiscard]] RangeRequest asked_ranges() const {
    if (request_.head.method != Method::kGet || request_.status != 200) return {};
    const std::optional<std::string_view> asked = http::single_field(request_.head.fields, "Range");
    if (!asked || !http::if_range_holds(request_.head.fields, validators_)) return {};
    return http::read_ranges(*asked, size_);
  }

  [[nodiscard]] std::string whole_fields() const {
    std::string fields = not_modified_fields();
    if (!validators_.entity_tag.empty()) add_date(fields);
    if (request_.status == 200 && is_get_ && !find_line(request_.fields, "Accept-Ranges"))
      add_line(fields, "Accept-Ranges", "bytes");
    return fields;
  }

  /// RFC 9110 section 15.4.5: a date besides an entity tag tells a cache nothing more.
  [[nodiscard]] std::string not_modified_fields() const {
    std::string fields(request_.fields);
    if (!own_tag_ && !validators_.entity_tag.empty()) add_line(fields, "ETag", validators_.entity_tag);
    if (validators_.entity_tag.empty()) add_date(fields);
    return fields;
  }

  void add_date(std::string& fields) const {
    if (own_date_ || !validators_.last_modified) return;
    char date[http::kImfFixdateSize];
    http::format_imf_fixdate(*validators_.last_modified, date);
    add_line(fields, "Last-Modified", {date, sizeof date});
  }

  const FileRequest& request_;
  const std::optional<std::string_view> own_tag_;
  const std::optional<std::string_view> own_date_;
  const bool is_get_;
  const std::uint64_t size_;
  const http::Validators validators_;
};

}  // namespace

FileReply make_file_reply(const FileRequest& request, File file) {
  // RFC 9110 section 13.2.1: conditions are about what would be a success without them.
  if (request.status < 200 || request.status > 299)
    return {request.status, std::string(request.content_type), std::string(request.fields),
            std::move(file).release()};
  bool has_body = false;
  RangeRequest ranges;
  FileReply reply = Maker(request, file).make(has_body, ranges);
  if (!has_body) return reply;
  const std::uint64_t size = file.size();
  FileBody body = std::move(file).release();
  if (ranges.parts.size() > 1) {
    auto source = std::make_unique<FileRanges>(std::move(body), std::move(ranges.parts), reply.content_type);
    reply.content_type = source->content_type();
    reply.body = std::move(source);
  } else if (ranges.parts.size() == 1) {
    const http::ByteRange& part = ranges.parts.front();
    add_line(reply.fields, "Content-Range", http::content_range(part, size));
    reply.body = FileBody(body.release(), part.first, part.size);
  } else {
    reply.body = std::move(body);
  }
  return reply;
}

}  // namespace httpd::server
