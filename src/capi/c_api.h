// The C registration API (httpd_load.h) on top of the C++ one.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <httpd/handler.h>
#include <httpd/httpd_load.h>
#include <httpd/log.h>

#include "capi/print_buffer.h"

namespace httpd::capi {

/// Told of every call of an access handler: for a host's profiler.
class CallObserver {
 public:
  /// `path`: what is left of the request's path below the root, NUL-terminated, valid until left().
  virtual void entering(const char* path) noexcept = 0;
  /// `status`: what the handler returned.
  virtual void left(int status) noexcept = 0;

 protected:
  ~CallObserver() = default;
};

/// What a host decides about the C API.
struct CApiSettings {
  std::size_t buf_size = 0;    ///< as `exact_size` of PrintBuffer
  std::size_t keep_ready = 0;  ///< likewise
  bool hands_on = false;       ///< another process sends the replies
  /// Handlers also get bodies of text/plain, text/html and the like. A browser sends those to any server for
  /// any page, without asking the server first.
  bool takes_text = true;
  CallObserver* observer = nullptr;  ///< must outlive the handlers
};

/// What C modules talk to. The API has no handle, so a process has one at a time: see Current.
class CApi {
 public:
  /// Registers a root; throws what Host::register_root() throws.
  using RegisterRoot =
      std::function<void(std::string_view module, std::string_view root, std::unique_ptr<Handler> handler)>;

  /// `log` must outlive the handlers. Throws std::bad_alloc.
  CApi(RegisterRoot register_root, const CApiSettings& settings, Log& log);
  CApi(const CApi&) = delete;
  CApi& operator=(const CApi&) = delete;

  /// register_httpdcb(): 0, or -1 after logging why. Many modules do not look at the result, so the first
  /// error is kept: see error().
  int add(const char* module, str* root, httpd_acces_handler_cb* access, httpd_flush_data_cb* flush,
          HTTPD_CONTENT_TYPE type, httpd_init_proc_cb* init);
  /// What the first registration that failed failed of; "" when all went well. The host refuses to start with
  /// it.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

  [[nodiscard]] PrintBuffer& buffer() noexcept { return buffer_; }
  [[nodiscard]] Log& log() noexcept { return log_; }
  [[nodiscard]] CallObserver* observer() noexcept { return settings_.observer; }
  [[nodiscard]] bool takes_text() const noexcept { return settings_.takes_text; }
  [[nodiscard]] sockaddr_union& server_info() noexcept { return server_info_; }
  [[nodiscard]] bool exact_buffer() const noexcept { return settings_.buf_size != 0; }

  /// While it lives, httpd_bind() leads to `api`.
  class Current {
   public:
    explicit Current(CApi& api) noexcept;
    ~Current();
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;

   private:
    CApi* previous_;
  };

 private:
  int fail(std::string why);
  RegisterRoot register_root_;
  CApiSettings settings_;
  Log& log_;
  PrintBuffer buffer_;
  sockaddr_union server_info_{};
  std::string error_;
};

}  // namespace httpd::capi
