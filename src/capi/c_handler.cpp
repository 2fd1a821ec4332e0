// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/c_handler.h"

#include <climits>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <utility>
#include <variant>

#include "capi/c_api.h"

namespace httpd::capi {
namespace {

constexpr std::size_t kCopyLimit = 16 * 1024;  // handing the buffer over costs more than copying so little

std::string_view content_type(HTTPD_CONTENT_TYPE type) noexcept {
  switch (type) {
    case HTTPD_TEXT_XML_CNT_TYPE:
      return "text/xml; charset=utf-8";
    case HTTPD_APPLICATION_JSON_CNT_TYPE:
      return "application/json";
    case HTTPD_TEXT_PLAIN_TYPE:
      return "text/plain";
    case HTTPD_TEXT_PLAIN_PROMETHEUS_TYPE:
      return "text/plain; version=0.0.4";
    case HTTPD_UNKNOWN_CNT_TYPE:
    case HTTPD_STD_CNT_TYPE:
    case HTTPD_TEXT_HTML_TYPE:
      break;
  }
  return "text/html";
}

bool is_form(std::string_view type) noexcept {
  return type == "application/x-www-form-urlencoded" || type == "multipart/form-data";
}

/// The media types that modules of OpenSIPS know what to do with.
bool is_accepted(std::string_view type, bool takes_text) noexcept {
  return is_form(type) || type == "text/xml" || (takes_text && type.starts_with("text/")) ||
         type == "application/json" || type == "application/json-rpc" || type == "application/jsonrequest" ||
         type == "application/xml" || type.ends_with("+json") || type.ends_with("+xml");
}

sockaddr_union to_union(const sockaddr& address) noexcept {
  sockaddr_union result{};
  if (address.sa_family == AF_INET6) {
    std::memcpy(&result, &address, sizeof(sockaddr_in6));
  } else {
    std::memcpy(&result, &address, sizeof(sockaddr_in));
  }
  return result;
}

/// The flush-data callback as a stream.
class FlushSource final : public BodySource {
 public:
  explicit FlushSource(httpd_flush_data_cb* flush) noexcept : flush_(flush) {}
  std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) override {
    const std::ptrdiff_t count = flush_(nullptr, position, buffer, size);
    // Nobody would wake it: in C every other negative number means that the body is broken.
    return count < kEnd ? std::ptrdiff_t{kBroken} : count;
  }

 private:
  httpd_flush_data_cb* flush_;
};

}  // namespace

void CHandler::init_process(Loop& /*loop*/) {
  if (init_ != nullptr) init_();
}

void CHandler::look_up(const Request& request, const char* key, str& value) noexcept {
  std::optional<std::string_view> found = request.argument(key);
  // What is not a form the stock module keeps under this name, and mi_xmlrpc asks for it there.
  if (!found && std::string_view(key) == "1" && !request.body().empty() && !is_form(request.media_type()))
    found = request.body();
  if (!found || found->size() > INT_MAX) return;
  value.s = const_cast<char*>(found->data());  // the C API has no const; handlers do not write to it
  value.len = static_cast<int>(found->size());
}

void CHandler::handle(const Request& request, Reply reply) {
  const bool post = request.method() == Method::kPost;
  const std::string_view body = post ? request.body() : std::string_view();
  if (const bool text = api_.takes_text(); !body.empty() && !is_accepted(request.media_type(), text)) {
    reply.status(415).header("Accept-Post", std::string("application/json, text/xml, ") +
                                                (text ? "text/plain, " : "") +
                                                "application/x-www-form-urlencoded, multipart/form-data");
    return reply.send_copy(text ? "Send JSON, XML, text or a form, and say which in Content-Type\n"
                                : "Send JSON, XML or a form, and say which in Content-Type\n");
  }

  PrintBuffer& print_buffer = api_.buffer();
  str buffer{print_buffer.data(), static_cast<int>(print_buffer.size())};
  if (buffer.s == nullptr) {
    api_.log().write(LogLevel::kError,
                     "no memory for the reply of root " + std::string(request.root()) +
                         ": answered with 500; a smaller buf_size needs less address space");
    reply.status(500);
    return reply.send_copy("Out of memory\n");
  }
  str page{nullptr, 0};
  sockaddr_union client = to_union(request.client());
  sockaddr_union& server = api_.server_info();
  server = to_union(request.server());
  // In host byte order, at the same place for both families: what the stock module does, and tracing relies
  // on.
  server.sin.sin_port = ntohs(server.sin.sin_port);

  const bool upload = !body.empty() && !is_form(request.media_type());
  void* con_cls = nullptr;
  const Request* connection = &request;
  CallObserver* const observer = api_.observer();
  if (observer != nullptr) observer->entering(request.path().data());
  const int status =
      access_(nullptr, const_cast<Request*>(connection), request.path().data(),
              method_name(request.method()).data(), request.version().data(), upload ? body.data() : nullptr,
              upload ? body.size() : 0, &con_cls, &buffer, &page, &client);
  if (observer != nullptr) observer->left(status);
  if (status < 200 || status > 599) {
    print_buffer.settle(true);
    api_.log().write(LogLevel::kError, "handler of root " + std::string(request.root()) +
                                           " returned the status " + std::to_string(status) +
                                           ": answered with 500");
    reply.status(500);
    return reply.send_copy("The handler failed\n");
  }
  reply.status(status).content_type(content_type(type_));
  if (status == 500 && api_.exact_buffer())
    api_.log().write(LogLevel::kWarning,
                     "handler of root " + std::string(request.root()) +
                         " answered 500; if its reply did not fit, raise parameter buf_size (now " +
                         std::to_string(print_buffer.size()) + ") of module httpd");
  if (page.s != nullptr) return send_page(request, page, reply);
  print_buffer.settle(true);
  reply.stream(std::make_unique<FlushSource>(flush_));
}

void CHandler::send_page(const Request& request, const str& page, Reply& reply) {
  PrintBuffer& print_buffer = api_.buffer();
  const std::size_t size = page.len < 0 ? 0 : static_cast<std::size_t>(page.len);
  if (page.len < 0 || (print_buffer.starts_in(page.s) && !print_buffer.contains(page.s, size))) {
    api_.log().write(LogLevel::kError, "handler of root " + std::string(request.root()) + " gave a page of " +
                                           std::to_string(page.len) + " bytes in a buffer of " +
                                           std::to_string(print_buffer.size()) +
                                           ": answered with 500; raise parameter buf_size of module httpd");
    reply.status(500);
    return reply.send_copy("The reply does not fit\n");
  }
  // The engine drops the body of a HEAD reply, so there is nothing worth handing over.
  if (size > kCopyLimit && print_buffer.contains(page.s, size)) {
    std::visit([&reply](auto&& body) { reply.send(std::forward<decltype(body)>(body)); },
               print_buffer.lend(page.s, size));
  } else {
    reply.send_copy({page.s, size});
    print_buffer.settle(!print_buffer.starts_in(page.s));
  }
}

}  // namespace httpd::capi
