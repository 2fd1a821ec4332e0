// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/c_api.h"

#include <exception>

#include "capi/c_handler.h"

namespace httpd::capi {
namespace {

/// The one thing in the engine that belongs to the process: C modules have no other way to name a server.
CApi* current = nullptr;

void lookup_arg(void* connection, const char* key, void* /*con_cls*/, str* val) noexcept {
  if (val == nullptr) return;
  *val = {nullptr, 0};
  if (connection == nullptr || key == nullptr) return;
  CHandler::look_up(*static_cast<const Request*>(connection), key, *val);
}

int register_httpdcb(const char* mod, str* root_path, httpd_acces_handler_cb* access_handler,
                     httpd_flush_data_cb* flush_data, HTTPD_CONTENT_TYPE type,
                     httpd_init_proc_cb* init) noexcept {
  if (current == nullptr) return -1;
  return current->add(mod, root_path, access_handler, flush_data, type, init);
}

sockaddr_union* get_server_info() noexcept {
  return current == nullptr ? nullptr : &current->server_info();
}

/// Cuts white space in place, since modules print their root from the same variable.
void trim(str& text) noexcept {
  const auto is_space = [](char byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'; };
  while (text.len > 0 && is_space(text.s[text.len - 1]))
    --text.len;
  while (text.len > 0 && is_space(*text.s)) {
    ++text.s;
    --text.len;
  }
}

}  // namespace

CApi::CApi(RegisterRoot register_root, const CApiSettings& settings, Log& log)
    : register_root_(std::move(register_root)),
      settings_(settings),
      log_(log),
      buffer_(settings.buf_size, settings.keep_ready, log,
              settings.hands_on ? PrintBuffer::Kind::kFiles : PrintBuffer::Kind::kMemory) {}

int CApi::fail(std::string why) {
  log_.write(LogLevel::kError, why);
  if (error_.empty()) error_ = std::move(why);
  return -1;
}

int CApi::add(const char* module, str* root, httpd_acces_handler_cb* access, httpd_flush_data_cb* flush,
              HTTPD_CONTENT_TYPE type, httpd_init_proc_cb* init) {
  try {
    if (module == nullptr) return fail("register_httpdcb: a module without a name");
    const std::string name(module);
    if (root == nullptr || root->s == nullptr || root->len <= 0)
      return fail("register_httpdcb: module " + name + " gives no root path");
    if (access == nullptr) return fail("register_httpdcb: module " + name + " gives no access handler");
    if (flush == nullptr) return fail("register_httpdcb: module " + name + " gives no flush-data callback");
    trim(*root);
    register_root_(name, std::string_view(root->s, static_cast<std::size_t>(root->len)),
                   std::make_unique<CHandler>(*this, access, flush, type, init));
    return 0;
  } catch (const std::exception& exception) {
    return fail(exception.what());
  }
}

CApi::Current::Current(CApi& api) noexcept : previous_(current) {
  current = &api;
}
CApi::Current::~Current() {
  current = previous_;
}

}  // namespace httpd::capi

extern "C" int httpd_bind(httpd_api_t* api) {
  if (api == nullptr) return -1;
  api->lookup_arg = httpd::capi::lookup_arg;
  api->register_httpdcb = httpd::capi::register_httpdcb;
  api->get_server_info = httpd::capi::get_server_info;
  return 0;
}
