// The only file that knows Boost.Beast. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstring>
#include <limits>

#include "http/characters.h"

namespace httpd::http {
namespace {

namespace beast = boost::beast;

FieldId field_id(beast::http::field field) noexcept {
  switch (field) {
    case beast::http::field::host:
      return FieldId::kHost;
    case beast::http::field::content_length:
      return FieldId::kContentLength;
    case beast::http::field::transfer_encoding:
      return FieldId::kTransferEncoding;
    case beast::http::field::connection:
      return FieldId::kConnection;
    case beast::http::field::expect:
      return FieldId::kExpect;
    case beast::http::field::content_type:
      return FieldId::kContentType;
    case beast::http::field::authorization:
      return FieldId::kAuthorization;
    case beast::http::field::origin:
      return FieldId::kOrigin;
    default:
      return FieldId::kOther;
  }
}

std::string_view view(beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

/// `seen`: the field lines before the one at fault.
Refusal refusal_for(const beast::error_code& code, const std::vector<FieldLine>& seen) noexcept {
  using beast::http::error;
  const auto has = [&seen](FieldId id) {
    return std::ranges::any_of(seen, [id](const FieldLine& line) { return line.id == id; });
  };
  if ((code == error::bad_content_length && has(FieldId::kTransferEncoding)) ||
      (code == error::bad_transfer_encoding && has(FieldId::kContentLength)))
    return Refusal::kConflictingLengths;
  if (code == error::bad_method || code == error::bad_version) return Refusal::kMalformedRequestLine;
  if (code == error::bad_target) return Refusal::kMalformedTarget;
  if (code == error::bad_line_ending) return Refusal::kBareLineEnding;
  if (code == error::bad_content_length || code == error::multiple_content_length)
    return Refusal::kInvalidContentLength;
  if (code == error::bad_transfer_encoding) return Refusal::kInvalidTransferEncoding;
  if (code == error::bad_chunk || code == error::bad_chunk_extension) return Refusal::kMalformedChunk;
  return Refusal::kMalformedField;
}

constexpr std::string_view kVersion = " HTTP/1.1";  // behind the target
constexpr std::string_view kShortestChunkedBody = "0\r\n\r\n";

std::optional<Method> known_method(beast::http::verb verb) noexcept {
  switch (verb) {
    case beast::http::verb::get:
      return Method::kGet;
    case beast::http::verb::head:
      return Method::kHead;
    case beast::http::verb::post:
      return Method::kPost;
    case beast::http::verb::put:
      return Method::kPut;
    case beast::http::verb::delete_:
      return Method::kDelete;
    case beast::http::verb::connect:
      return Method::kConnect;
    case beast::http::verb::options:
      return Method::kOptions;
    case beast::http::verb::trace:
      return Method::kTrace;
    case beast::http::verb::patch:
      return Method::kPatch;
    default:
      return std::nullopt;
  }
}

}  // namespace

/// Beast's parser, which calls back for each element that it finds.
class RequestParser::Syntax final : public beast::http::basic_parser<true> {
 public:
  explicit Syntax(RequestHead& head) : head_(head) {
    body_limit(boost::none);
    header_limit(std::numeric_limits<std::uint32_t>::max());
    eager(true);
  }
  /// Where the next put() leaves the body.
  std::string* body = nullptr;

  std::uint64_t body_size = 0;
  std::uint64_t chunk_left = 0;      // data of the chunk that has begun
  Refusal refused = Refusal::kNone;  // what Beast let pass and we do not

 private:
  void on_request_impl(beast::http::verb method, beast::string_view method_text, beast::string_view target,
                       int version, beast::error_code& /*error*/) override {
    head_.method = known_method(method);
    head_.method_text = view(method_text);
    head_.target_text = view(target);
    head_.http_1_0 = version == 10;
  }
  void on_field_impl(beast::http::field name, beast::string_view name_text, beast::string_view value,
                     beast::error_code& error) override {
    if (!in_body_) {
      head_.fields.push_back({field_id(name), view(name_text), view(value)});
      return;
    }
    // Trailer fields (RFC 9110 section 6.5) are checked and dropped: nothing here has a use for them.
    // RFC 9110 section 6.5.1: what frames or routes the message is too late here.
    const FieldId id = field_id(name);
    if (id == FieldId::kContentLength || id == FieldId::kTransferEncoding || id == FieldId::kHost)
      refuse(Refusal::kMalformedField, error);
  }
  void on_header_impl(beast::error_code& /*error*/) override { in_body_ = true; }
  void on_chunk_header_impl(std::uint64_t size, beast::string_view /*extensions*/,
                            beast::error_code& /*error*/) override {
    chunk_left = size;
  }
  std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, beast::string_view data,
                                 beast::error_code& /*error*/) override {
    body_size += data.size();
    chunk_left -= data.size();
    if (body != nullptr) body->append(data.data(), data.size());
    return data.size();
  }
  void on_finish_impl(beast::error_code& /*error*/) override {}
  // A request with Content-Length is counted by RequestParser itself, and Beast never sees its body.
  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/,
                         beast::error_code& /*error*/) override {}
  std::size_t on_body_impl(beast::string_view data, beast::error_code& /*error*/) override {
    return data.size();
  }
  void on_response_impl(int /*code*/, beast::string_view /*reason*/, int /*version*/,
                        beast::error_code& /*error*/) override {}

  void refuse(Refusal refusal, beast::error_code& error) noexcept {
    refused = refusal;
    error = beast::http::error::bad_chunk;
  }

  RequestHead& head_;
  bool in_body_ = false;
};

RequestParser::RequestParser(const Limits& limits) : scanner_(limits), chunks_(limits) {}
RequestParser::~RequestParser() = default;

void RequestParser::reset() noexcept {
  scanner_.reset();
  chunks_.reset();
  chunks_seen_ = 0;
  // There may be a password in it, whatever became of the request.
  if (!text_.empty()) ::explicit_bzero(text_.data(), text_.size());
  text_.clear();
  head_.method.reset();
  head_.method_text = head_.target_text = {};
  head_.http_1_0 = false;
  head_.target = {};
  head_.fields.clear();
  head_.framing = {};
  body_size_ = 0;
  refusal_ = Refusal::kNone;
}

RequestParser::State RequestParser::refuse(Refusal refusal) noexcept {
  refusal_ = refusal;
  return State::kRefused;
}

std::string_view RequestParser::request_line(std::string_view input) const noexcept {
  // Once the head is whole its own copy is what is left of it.
  if (!text_.empty()) return std::string_view(text_).substr(0, scanner_.target_end() + kVersion.size());
  return input.substr(0, input.find_first_of("\r\n"));
}

RequestParser::State RequestParser::parse_head(std::string_view input) {
  if (!scanner_.scan(input))
    return scanner_.refusal() == Refusal::kNone ? State::kMore : refuse(scanner_.refusal());

  text_.append(input.data(), scanner_.size());  // which reset() has emptied
  // Beast knows 1.0 and 1.1 alone; RFC 9110 section 2.5 wants a later minor version to be read as the highest
  // known.
  char& minor_version = text_[scanner_.target_end() + kVersion.size() - 1];
  if (minor_version > '1') minor_version = '1';

  if (syntax_) {
    // Beast's parser reads one message; made anew in its old place it costs no allocation.
    std::destroy_at(syntax_.get());
    std::construct_at(syntax_.get(), head_);
  } else {
    syntax_ = std::make_unique<Syntax>(head_);
  }
  beast::error_code error;
  // The head alone; a body is read later, so Beast may not look for it in this call.
  const std::size_t used = syntax_->put(boost::asio::const_buffer(text_.data(), text_.size()), error);
  if (error && error != beast::http::error::need_more) return refuse(refusal_for(error, head_.fields));
  if (used != text_.size()) return refuse(Refusal::kMalformedField);

  const std::optional<Target> target = parse_target(head_.method.value_or(Method::kGet), head_.target_text);
  if (!target) return refuse(Refusal::kMalformedTarget);
  head_.target = *target;
  if (const Refusal refusal = read_framing(head_.fields, head_.http_1_0, head_.framing);
      refusal != Refusal::kNone)
    return refuse(refusal);
  if (head_.target.form == Target::Form::kAbsolute) replace_host();
  return State::kComplete;
}

void RequestParser::read_method(std::string_view input) noexcept {
  const std::string_view line = request_line(input);
  const std::size_t end = line.find(' ');
  if (end != std::string_view::npos)
    head_.method = known_method(beast::http::string_to_verb({line.data(), end}));
}

/// RFC 9112 section 3.2.2: the target's authority counts, whatever stands in Host.
void RequestParser::replace_host() noexcept {
  for (FieldLine& field : head_.fields)
    if (field.id == FieldId::kHost) field.value = head_.target.authority;
}

void RequestParser::erase(FieldId id) noexcept {
  for (FieldLine& field : head_.fields) {
    if (field.id != id || field.value.empty()) continue;
    // All views lead into text_.
    std::memset(&text_[static_cast<std::size_t>(field.value.data() - text_.data())], ' ', field.value.size());
    field.value = {};
  }
}

RequestParser::State RequestParser::parse_body(std::string_view input, std::string* body, std::uint64_t limit,
                                               Refusal too_large, std::size_t& consumed) {
  consumed = 0;
  switch (head_.framing.body) {
    case Framing::Body::kNone:
      return State::kComplete;
    case Framing::Body::kLength:
      return head_.framing.length > limit ? refuse(too_large) : parse_counted(input, body, consumed);
    case Framing::Body::kChunked:
      return parse_chunked(input, body, limit, too_large, consumed);
  }
  return State::kComplete;
}

RequestParser::State RequestParser::parse_counted(std::string_view input, std::string* body,
                                                  std::size_t& consumed) {
  const std::uint64_t missing = head_.framing.length - body_size_;
  consumed = static_cast<std::size_t>(std::min<std::uint64_t>(missing, input.size()));
  if (body != nullptr) body->append(input.data(), consumed);
  body_size_ += consumed;
  return body_size_ == head_.framing.length ? State::kComplete : State::kMore;
}

RequestParser::State RequestParser::parse_chunked(std::string_view input, std::string* body,
                                                  std::uint64_t limit, Refusal too_large,
                                                  std::size_t& consumed) {
  const bool whole = chunks_.scan(input, chunks_seen_, limit, too_large);
  chunks_seen_ = input.size();
  if (chunks_.refusal() != Refusal::kNone) return refuse(chunks_.refusal());
  syntax_->eager(false);
  syntax_->body = body;
  beast::error_code error;
  // No body ends within fewer bytes, and Beast asserts that a last chunk is not given to it with fewer.
  while (!syntax_->is_done() && !error &&
         input.size() - consumed >= (syntax_->chunk_left > 0 ? 1 : kShortestChunkedBody.size()))
    consumed +=
        syntax_->put(boost::asio::const_buffer(input.data() + consumed, input.size() - consumed), error);
  body_size_ = syntax_->body_size;
  if (syntax_->refused != Refusal::kNone) return refuse(syntax_->refused);
  if (error && error != beast::http::error::need_more) return refuse(refusal_for(error, head_.fields));
  chunks_seen_ -= consumed;
  if (syntax_->is_done()) return State::kComplete;
  return whole ? refuse(Refusal::kMalformedChunk) : State::kMore;
}

}  // namespace httpd::http
