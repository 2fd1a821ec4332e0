// A C module's callbacks as a Handler.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <httpd/handler.h>
#include <httpd/httpd_load.h>

namespace httpd::capi {

class CApi;

class CHandler final : public Handler {
 public:
  /// `api` must outlive the handler; `init` may be nullptr.
  CHandler(CApi& api, httpd_acces_handler_cb* access, httpd_flush_data_cb* flush, HTTPD_CONTENT_TYPE type,
           httpd_init_proc_cb* init) noexcept
      : api_(api), access_(access), flush_(flush), init_(init), type_(type) {}
  /// GET and POST, as the stock module passes them on.
  [[nodiscard]] MethodSet methods() const override { return {Method::kGet, Method::kPost}; }
  void init_process(Loop& loop) override;
  void handle(const Request& request, Reply reply) override;

  /// lookup_arg(): leaves `value` as it is when there is no such argument.
  static void look_up(const Request& request, const char* key, str& value) noexcept;

 private:
  void send_page(const Request& request, const str& page, Reply& reply);

  CApi& api_;
  httpd_acces_handler_cb* access_;
  httpd_flush_data_cb* flush_;
  httpd_init_proc_cb* init_;
  HTTPD_CONTENT_TYPE type_;
};

}  // namespace httpd::capi
